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

// TestConformanceOnABadDay throttles every fifth call, fails every ninth read and
// loses the answer of every third creation of what takes a ClientToken.
func TestConformanceOnABadDay(t *testing.T) {
	t.Parallel()
	cloud := simtest.Start(t, sim.Options{Faults: sim.Faults{Rules: []sim.Rule{
		{Action: "*", Every: 5, Effect: sim.EffectError, Code: "Throttling.User", Status: 400},
		{Action: "*.Describe*", Every: 9, Effect: sim.EffectError, Code: "ServiceUnavailable", Status: 503},
		{Action: "Ecs.RunInstances", Every: 3, Effect: sim.EffectLose},
		{Action: "Ecs.CreateDisk", Every: 3, Effect: sim.EffectLose},
		{Action: "Vpc.CreateV*", Every: 3, Effect: sim.EffectLose},
	}}})
	options := drivertest.Options{PollSeconds: 0.05, SettleSeconds: 60, Resources: []string{
		"network.network", "network.subnet", "network.router", "network.security_group", "network.nic", "compute.key_pair", "compute.flavor", "compute.vm",
		"storage.disk", "storage.snapshot", "storage.image",
	}}
	options.Settings, options.Credentials = settings(cloud)
	drivertest.Run(t, drivertest.Harness{Program: program, Options: options})
	cloud.CheckClean(t)
}
