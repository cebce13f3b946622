package drivertest

import "time"

// Options tunes a run. The zero value is ready for a real cloud.
type Options struct {
	// Settings and Credentials open the account, as the driver's schema names them.
	Settings    map[string]string `json:"settings"`
	Credentials map[string]string `json:"credentials"`
	// Values replace what the suite would pick: "image", "flavor",
	// "other_flavor", "external_network", "zone", "other_zone", "db_flavor", "container_image",
	// "certificate". Native ids.
	Values map[string]string `json:"values"`
	// About tells the reader of the report what the cloud is: its release, and
	// whether it is a real one.
	About string `json:"about"`
	// NamePrefix begins the names of everything that is made; default "conf-".
	NamePrefix string `json:"name_prefix"`
	// Resources limits the run to resource types ("network.network") and what
	// they need; empty: all that is declared.
	Resources []string `json:"resources"`
	// FaultEndpoint replaces the one that the driver names, see
	// cloud.driver.v1.AccountCapabilities.
	FaultEndpoint string `json:"fault_endpoint"`
	// SettleSeconds is how long a resource may take to settle or to go; default 300.
	SettleSeconds float64 `json:"settle_seconds"`
	// PollSeconds is the time between two looks at a resource; default 1.
	PollSeconds float64 `json:"poll_seconds"`
	// AnswerSeconds is how long after its deadline a call may still take; default 2.
	AnswerSeconds float64 `json:"answer_seconds"`
}

func (o Options) prefix() string {
	if o.NamePrefix == "" {
		return "conf-"
	}
	return o.NamePrefix
}

func (o Options) settle() time.Duration { return seconds(o.SettleSeconds, 300) }
func (o Options) poll() time.Duration   { return seconds(o.PollSeconds, 1) }
func (o Options) answer() time.Duration { return seconds(o.AnswerSeconds, 2) }

func seconds(given, otherwise float64) time.Duration {
	if given <= 0 {
		given = otherwise
	}
	return time.Duration(given * float64(time.Second))
}
