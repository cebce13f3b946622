package sim

// Kinds of products that come later in the package's files.
const (
	kindDatabase kind = "db_instance"
)

// defaultGroup is the resource group that every account has.
func (c *call) defaultGroup() string {
	return "rg-acfm" + c.who.account.uid[:min(10, len(c.who.account.uid))]
}
