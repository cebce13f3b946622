// Command alibaba is the driver for Alibaba Cloud. The gateway starts it; see
// drivers/sdk for what it is told and how it ends.
//
// It needs the AccessKey of a RAM user, or a role that such a user may take on, and
// one region; docs/alibaba.md lists the settings, the permissions, and the calls that
// each rpc takes. The words of the contract and of the cloud stand in the doc.go of
// the packages that serve them:
//
//	compute       ECS instances, ECI container groups, instance types, key pairs
//	storage       ECS disks, snapshots and images
//	network       VPC, vSwitches, route tables, security groups, ENIs, EIPs
//	loadbalancer  CLB, ALB, NLB
//	vpn           VPN gateways and connections
//	security      network ACLs, Cloud Firewall, WAF 3.0, Security Center
//	database      RDS
//	metrics       CloudMonitor
//	bill          BssOpenApi, prices of ECS
//	trail         ActionTrail
//
// What has no counterpart is not declared: stopping and starting of containers, VMs
// with an existing primary NIC or with a boot disk that stays, disks filled from an
// image, routers with an external gateway, firewall policies by themselves, quotas of
// networks and storage.
package main

import "github.com/yunqiao/yunqiao/drivers/sdk"

func main() { sdk.Serve(newDriver(sdk.NewLogger())) }
