// Package cloudsfile reads the files that operators of private clouds hand to their
// users: clouds.yaml with secure.yaml beside it, and openrc, the shell file that the
// dashboard offers. What they say becomes settings and credentials of an account.
//
// It owns both formats and which of their keys have a meaning for an account. It does
// not own the drivers' schemas: the gateway refuses a setting that the driver lacks.
//
// A shell file is read, never run. A key that says something that an account cannot
// say is an error, not a loss.
package cloudsfile
