// Package terraform shows that Alibaba Cloud's official Terraform provider, which knows
// nothing of the simulated cloud, works with it: for each stack of testdata, apply,
// a second plan that is empty, destroy, and nothing is left.
//
// It owns the stacks, the run (TestProvider, by make test-terraform, which builds the
// provider) and a recording of one run per stack: every request that the provider made,
// and what it was answered. TestRecording makes the same requests again and compares the
// answers, so that every other run of the tests notices a simulator that a provider
// would no longer work with. It does not own the cloud's behaviour (drivers/alibaba/sim).
//
// A recording is made anew with:
//
//	YUNQIAO_TERRAFORM_RECORD=1 make test-terraform
package terraform
