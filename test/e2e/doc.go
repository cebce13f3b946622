// Package e2e tests the whole system over HTTP: the gateway's program, driver
// processes, and a cloud that is simulated or real.
//
// TestScenario is one PaaS developer's day on every kind of cloud. The other
// tests are bad days: programs killed at bad moments, repeats, and requests that
// no client should send.
//
//	YUNQIAO_BIN=bin                folder of built programs; without it they are built
//	OS_CLIENT_CONFIG_FILE, OS_CLOUD   a real OpenStack; without it its scenario is skipped
//	OS_ADMIN_CLOUD                 entry of the same file for what only its operator may do; default admin
//	YUNQIAO_REQUIRE_OPENSTACK=1    its absence fails rather than skips
//	YUNQIAO_SOAK=1                 all random kills rather than a few
//	YUNQIAO_SEED                   repeats the random moments of another run
package e2e
