// Command memcloud runs the simulated cloud as a server of its own, durable in
// one file, and looks into it.
//
//	memcloud serve --listen 127.0.0.1:8400 --admin 127.0.0.1:8401 --data cloud.db
//	memcloud dump --admin http://127.0.0.1:8401 | --file cloud.db
//	memcloud knobs get --admin URL
//	memcloud knobs set FILE --admin URL
//
// It owns flags, listeners and the order of start and stop. The cloud itself is
// package memcloud.
package main
