// Package alarms serves what alert rules of CloudMonitor (CMS) find: each resource at
// which a rule alerts is one alarm. An instance that is not of the account's region and
// resource group is told by the cloud's own name.
//
// It does not own rules: they are made at the cloud.
package alarms
