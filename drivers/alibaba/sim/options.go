package sim

import (
	"log/slog"
	"time"
)

// Options tunes a Sim. The zero value is a cloud with one account that is ready for
// tests.
type Options struct {
	Log      *slog.Logger     // default: discards
	Now      func() time.Time // default time.Now
	Accounts []Account        // default DefaultAccount alone
	Regions  []string         // default cn-hangzhou, cn-shanghai, cn-beijing
	Seed     uint64           // of identifiers and addresses; default 1
	Faults   Faults           // how it misbehaves from the start
	// Lenient ignores parameters that the definitions do not have, as the real gateway
	// does; without it they are refused. They are counted at /sim/stats either way.
	Lenient bool
	// RequireTLS refuses plain HTTP for actions that are published as HTTPS only.
	RequireTLS bool
}

// Account is a customer of the cloud with the key of its root user.
type Account struct {
	UID             string // 16 digits
	Name            string
	AccessKeyID     string
	AccessKeySecret string
}

// DefaultAccount is the account of a cloud that is given none.
func DefaultAccount() Account {
	return Account{UID: "1234567890123456", Name: "sim", AccessKeyID: "LTAI5tSimulator000000000", AccessKeySecret: "simulator-secret-00000000000000"}
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if len(o.Accounts) == 0 {
		o.Accounts = []Account{DefaultAccount()}
	}
	if len(o.Regions) == 0 {
		o.Regions = []string{"cn-hangzhou", "cn-shanghai", "cn-beijing"}
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	o.Faults = o.Faults.withDefaults()
	return o
}
