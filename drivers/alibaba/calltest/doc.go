// Package calltest shows what the driver's services send to the cloud: it serves them
// over gRPC in an account whose cloud answers what the test says, keeps the calls, and
// holds each of them against the published definitions. It behaves like no cloud;
// package simtest does.
package calltest
