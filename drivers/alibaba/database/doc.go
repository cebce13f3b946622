// Package database serves the rpcs of database instances, engines and sizes on
// Alibaba Cloud's RDS (Rds 2014-08-15): MySQL, MariaDB, PostgreSQL and SQL Server.
//
// It owns the calls, and the mapping between the cloud's fields and the contract's
// messages (files *_map.go, pure functions). It does not own how calls are made
// (package api), nor waiting.
//
// The contract's words and the cloud's:
//
//	instance       DB instance; its name is the DB instance's description
//	administrator  the one account of type Super, made when the instance runs
//	size           instance class: its processors and memory stand in ListClasses
//	engine         engine and version that a zone of the region sells
//
// What differs from other clouds:
//   - What is sold depends on zone, engine, version, storage and series, so that a
//     creation asks first; the storage is rounded up to the step of the class.
//   - Without high_availability the series is Basic, which has one node.
//   - The administrator takes a step of its own. CreateAccount has no token: where
//     the account is there already its password is set again, so that ours holds.
//   - Lists tell neither storage nor port nor administrator, which would take calls
//     for each instance.
//   - A description has no field.
package database
