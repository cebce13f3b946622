// Command openstack is the driver for OpenStack clouds. The gateway starts it;
// see drivers/sdk for what it is told and how it ends.
package main

import "github.com/yunqiao/yunqiao/drivers/sdk"

func main() { sdk.Serve(newDriver()) }
