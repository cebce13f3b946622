// Package collect receives messages: SNMP notifications and syslog, over UDP and TCP.
//
// It owns sockets and what is accepted from them; whoever made a receiver stores
// what it hands over, in batches, and is asked before an answer is sent. One
// goroutine reads a socket with a large buffer and does nothing else; what the
// kernel drops all the same is counted.
package collect
