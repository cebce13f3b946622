package sim

// Kinds of products that come later in the package's files.
const (
	kindVpnGateway     kind = "vpn_gateway"
	kindLoadBalancer   kind = "load_balancer"
	kindServerGroup    kind = "server_group"
	kindDatabase       kind = "db_instance"
	kindContainerGroup kind = "container_group"
)

// defaultGroup is the resource group that every account has.
func (c *call) defaultGroup() string {
	return "rg-acfm" + c.who.account.uid[:min(10, len(c.who.account.uid))]
}
