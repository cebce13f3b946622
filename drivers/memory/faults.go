package main

import (
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/yunqiao/yunqiao/drivers/memory/memcloud"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// faultServer lets the conformance suite make an embedded cloud fail.
type faultServer struct {
	url    string
	server *http.Server
	ended  chan struct{}
}

// serveFaults listens at an address, which must be of this machine only.
func serveFaults(c *memcloud.Cloud, address string) (*faultServer, error) {
	rejected := func(err error) error {
		return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("settings."+settingFaults), sdk.Cause(err))
	}
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return nil, rejected(errors.New("the address must be a loopback address with a port"))
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, rejected(err)
	}
	s := &faultServer{
		url:    "http://" + listener.Addr().String() + "/faults",
		server: &http.Server{Handler: memcloud.FaultHandler(c), ReadHeaderTimeout: 5 * time.Second},
		ended:  make(chan struct{}),
	}
	go func() {
		defer close(s.ended)
		_ = s.server.Serve(listener) // ends with close
	}()
	return s, nil
}

func (s *faultServer) close() error {
	err := s.server.Close()
	<-s.ended
	return err
}
