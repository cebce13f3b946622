// Package livetest runs services of the driver behind real gRPC against a real
// cloud, for the tests of the packages that implement them. Without a cloud named
// by OS_CLIENT_CONFIG_FILE and OS_CLOUD the tests skip.
package livetest
