// Package notify tells third parties of changes of alarms: by webhook, Alertmanager's
// API v2, SNMP, syslog and e-mail.
//
// It owns what each of them is sent, YUNQIAO-ALARM-MIB, and how it is known that a
// receiver has taken something. It does not own which changes a receiver is told of,
// in which order and how often: package monitor does.
package notify
