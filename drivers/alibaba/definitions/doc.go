// Package definitions holds what Alibaba Cloud publishes of its APIs, reduced to
// facts: names of actions and parameters, where and how a parameter travels,
// types, what is required, enumerations and limits, the shape of answers, and the
// codes of errors with their HTTP status. No descriptive text.
//
// It owns the reading of that data and the two checks made with it: a request's
// parameters against an action ([Action.Parse]) and an answer against its schema
// ([Schema.Check]). The simulator makes both on every call; the driver's tests make
// the first on every request that the driver sends. It does not own how a cloud
// behaves, nor signatures.
//
// The data is made by gen from the published metadata, one compressed file a
// product:
//
//	go run ./drivers/alibaba/definitions/gen -out drivers/alibaba/definitions/data \
//		DIR/ecs.json DIR/vpc.json … drivers/alibaba/definitions/gen/unpublished/*.json
//
// What the metadata leaves out although clients use it is in gen/unpublished, as they
// call and read it: the service that tells where the others are, Location; the retired
// DescribeRouteTables, as Alibaba's SDK has it, which the Terraform provider still
// calls; and members of answers that both or the provider read: how a load balancer is
// charged, the origin servers of a site; how a policy is attached in a resource group, as
// the documentation of Resource Management has it.
//
// What the metadata leaves out stays out: most enumerations, states, quotas, and
// many error codes. Absence of a code or a value here proves nothing.
package definitions
