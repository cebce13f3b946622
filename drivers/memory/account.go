package main

import (
	"context"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/memory/memcloud"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// Settings of an account.
const (
	settingEndpoint = "endpoint"
	settingDataFile = "data_file"
	settingProject  = "project"
	settingKnobs    = "knobs"
	settingFaults   = "fault_listen"

	credentialPassword = "password"
)

// cloud is where an account's calls go.
type cloud interface {
	// call runs one rpc. own tells whether the answer may be changed.
	call(ctx context.Context, caller memcloud.Caller, fullMethod string, request proto.Message) (answer proto.Message, own bool, err error)
	info(ctx context.Context, caller memcloud.Caller) (memcloud.Info, error)
	// faultEndpoint is where the cloud can be told to fail; empty: nowhere.
	faultEndpoint() string
	close() error
}

type account struct {
	project  string
	password string
	dataFile string
	cloud    cloud
	known    atomic.Pointer[memcloud.Info] // as told last
}

func (d *driver) open(ctx context.Context, req *driverv1.OpenAccountRequest) (*account, error) {
	settings := req.GetSettings()
	for name := range settings {
		if !slices.Contains([]string{settingEndpoint, settingDataFile, settingProject, settingKnobs, settingFaults}, name) {
			return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("settings."+name))
		}
	}
	a := &account{project: settings[settingProject], password: req.GetCredentials()[credentialPassword], dataFile: settings[settingDataFile]}
	if a.project == "" {
		a.project = req.GetAccountId()
	}
	var err error
	if endpoint := settings[settingEndpoint]; endpoint != "" {
		a.cloud, err = dial(endpoint)
	} else {
		a.cloud, err = d.clouds.open(settings[settingDataFile], settings[settingKnobs], settings[settingFaults])
	}
	if err != nil {
		return nil, err
	}
	if _, err := a.refresh(ctx); err != nil {
		return nil, closeAfter(a, err)
	}
	return a, nil
}

func (a *account) close() error { return a.cloud.close() }

func (a *account) refresh(ctx context.Context) (memcloud.Info, error) {
	info, err := a.cloud.info(ctx, memcloud.Caller{Project: a.project, Password: a.password})
	if err != nil {
		return memcloud.Info{}, err
	}
	a.known.Store(&info)
	return info, nil
}

func (a *account) capabilities() *driverv1.AccountCapabilities {
	info := a.known.Load()
	return &driverv1.AccountCapabilities{
		AbsentFeatures: info.AbsentFeatures,
		RegionId:       info.Region,
		CloudProject:   a.project,
		FaultEndpoint:  a.cloud.faultEndpoint(),
		Idempotency: &driverv1.Idempotency{
			NativeToken:           info.ClientTokens,
			RequestTimeoutSeconds: wholeSeconds(info.RequestTimeout),
			MarkerDelaySeconds:    wholeSeconds(info.MarkerDelay),
		},
	}
}

// wholeSeconds rounds up.
func wholeSeconds(d time.Duration) int32 { return int32(math.Ceil(d.Seconds())) }

// inThisCloud completes what a cloud says of a tenant's account: it is in the same cloud,
// whose behaviour is the administrative account's to set.
func (a *account) inThisCloud(issued *driverv1.IssueCredentialsResponse) *driverv1.IssueCredentialsResponse {
	issued = proto.CloneOf(issued)
	issued.Settings[settingDataFile] = a.dataFile
	issued.Settings[settingKnobs], issued.Settings[settingFaults] = "", ""
	return issued
}
