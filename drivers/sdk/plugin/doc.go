// Package plugin is the handshake between gateway and driver process, used by
// both ends so that they cannot differ. It owns no process and no connection.
package plugin
