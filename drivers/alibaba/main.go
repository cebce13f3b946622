// Command alibaba is the driver for Alibaba Cloud. The gateway starts it; see
// drivers/sdk for what it is told and how it ends.
package main

import "github.com/yunqiao/yunqiao/drivers/sdk"

func main() { sdk.Serve(newDriver()) }
