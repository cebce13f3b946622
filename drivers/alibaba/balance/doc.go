// Package balance holds what Alibaba's three load balancers (CLB, ALB and NLB) have
// in common towards the contract: the names of its types, filters of lists, status
// codes of health checks, what a member is, and the refusal of a field.
//
// It does not own any call of a load balancer.
package balance
