// Package programs integrates the series and programmes of content service platforms
// (节目集成系统, GY/T 345—2021): it takes their messages, keeps what they tell, shows it
// to operators and terminals, and takes it off in an emergency.
//
// It owns partners with their keys and secrets, records of series and programs with
// their history, the journal of messages, the change feed for terminals, emergency
// locks and the delivery of emergency messages, links to cloud resources, and the
// tables programs_*. The wire is package gyt345's, for which this is a Settler.
//
// It does not own who may call its rpcs: the gateway has checked the permission. It
// does not play, store or move video.
//
// Time: msgTime is the partner's, in milliseconds, and only orders messages about one
// id; every other time is ours, in UTC.
package programs
