package main

import (
	"testing"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
	"github.com/yunqiao/yunqiao/drivers/alibaba/sim/simtest"
	"github.com/yunqiao/yunqiao/drivers/drivertest"
)

// TestConformance runs the whole suite on a simulated cloud, and every request of it
// validates against the definitions.
func TestConformance(t *testing.T) {
	t.Parallel()
	cloud := simtest.Start(t, sim.Options{})
	options := drivertest.Options{PollSeconds: 0.05, SettleSeconds: 30}
	options.Settings, options.Credentials = settings(cloud)
	options.FaultEndpoint = cloud.URL + "/sim/conformance"
	drivertest.Run(t, drivertest.Harness{Program: program, Options: options})
	cloud.CheckClean(t)
}
