package main

import (
	"context"
	"errors"
	"path/filepath"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/memory/memcloud"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// inMemory is the key of the one cloud without a file. It lives as long as the
// driver: closing the last account of it must not lose what is in it.
const inMemory = ""

// clouds is the embedded clouds of the process, one for each file.
type clouds struct {
	options memcloud.Options
	mu      sync.Mutex
	byFile  map[string]*sharedCloud
}

type sharedCloud struct {
	*memcloud.Cloud
	users int
}

func newClouds(options memcloud.Options) *clouds {
	return &clouds{options: options, byFile: map[string]*sharedCloud{}}
}

// open shares the cloud of a file, or opens it. knobs, if not empty, are set.
// faults, if not empty, is the address at which it can be told to fail.
func (c *clouds) open(file, knobs, faults string) (cloud, error) {
	var parsed *memcloud.Knobs
	if knobs != "" {
		k, err := memcloud.ParseKnobs([]byte(knobs))
		if err != nil {
			return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("settings."+settingKnobs), sdk.Cause(err))
		}
		parsed = &k
	}
	if file != inMemory {
		absolute, err := filepath.Abs(file)
		if err != nil {
			return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("settings."+settingDataFile), sdk.Cause(err))
		}
		file = absolute
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	shared := c.byFile[file]
	switch {
	case shared == nil:
		options := c.options
		options.File, options.Knobs = file, parsed
		opened, err := memcloud.Open(options)
		if err != nil {
			return nil, sdk.NewError(apiv1.Reason_REASON_CLOUD_UNAVAILABLE, sdk.Field("settings."+settingDataFile), sdk.Cause(err))
		}
		shared = &sharedCloud{Cloud: opened}
		c.byFile[file] = shared
	case parsed != nil:
		if err := shared.SetKnobs(*parsed); err != nil {
			return nil, err
		}
	}
	e := &embedded{clouds: c, file: file, shared: shared}
	shared.users++
	if faults == "" {
		return e, nil
	}
	var err error
	if e.faults, err = serveFaults(shared.Cloud, faults); err != nil {
		return nil, errors.Join(err, c.drop(file, shared))
	}
	return e, nil
}

func (c *clouds) release(file string, shared *sharedCloud) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.drop(file, shared)
}

// drop is release for who holds mu.
func (c *clouds) drop(file string, shared *sharedCloud) error {
	shared.users--
	if shared.users > 0 || file == inMemory {
		return nil
	}
	delete(c.byFile, file)
	return shared.Close()
}

// embedded is one account's use of an embedded cloud.
type embedded struct {
	clouds *clouds
	file   string
	shared *sharedCloud
	faults *faultServer // nil: none
	once   sync.Once
}

func (e *embedded) faultEndpoint() string {
	if e.faults == nil {
		return ""
	}
	return e.faults.url
}

func (e *embedded) call(ctx context.Context, caller memcloud.Caller, fullMethod string, request proto.Message) (proto.Message, bool, error) {
	answer, err := e.shared.Call(ctx, caller, fullMethod, request)
	return answer, false, err
}

func (e *embedded) info(_ context.Context, caller memcloud.Caller) (memcloud.Info, error) {
	return e.shared.Info(caller.Project), e.shared.Authenticate(caller.Project, caller.Password)
}

func (e *embedded) close() (err error) {
	e.once.Do(func() {
		if e.faults != nil {
			err = e.faults.close()
		}
		err = errors.Join(err, e.clouds.release(e.file, e.shared))
	})
	return err
}

func closeAfter(a *account, err error) error { return errors.Join(err, a.close()) }
