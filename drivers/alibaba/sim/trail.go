package sim

import "time"

// maxTrail is how many events the trail keeps.
const maxTrail = 10000

// event is a write that succeeded.
type event struct {
	id       string
	at       time.Time
	account  *account
	region   string
	product  string
	name     string
	request  map[string]string
	response string // the request's id
	who      *credential
	source   string
	touched  []string
}

// record adds the call to the trail of events.
func (c *call) record(q *request) {
	e := event{
		id: c.requestID, at: c.now, account: c.who.account, region: c.region, product: c.action.Product.Name,
		name: c.action.Name, response: c.requestID, who: c.who, source: c.source, touched: c.touched,
		request: map[string]string{},
	}
	for name := range c.args {
		if v := q.parameters[name]; v != "" && !secretParameter(name) {
			e.request[name] = v
		}
	}
	c.w.trail = append(c.w.trail, e)
	if len(c.w.trail) > maxTrail {
		c.w.trail = c.w.trail[1:]
	}
}

// secretParameter tells what the trail leaves out.
func secretParameter(name string) bool {
	switch name {
	case "Password", "AccountPassword", "VncPassword", "PublicKeyBody", "UserData", "ServerCertificate", "PrivateKey":
		return true
	}
	return false
}
