package loadbalancer

import (
	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/balance"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

// Answers of the cloud, as far as the driver reads them. encoding/json compares
// names without case.

type instance struct {
	LoadBalancerID     string
	LoadBalancerName   string
	LoadBalancerStatus string
	LoadBalancerSpec   string
	Address            string
	AddressType        string
	VpcID              string
	VSwitchID          string
	MasterZoneID       string
	PayType            string
	DeleteProtection   string
	CreateTime         string
	Tags               tags.List
}

type group struct {
	VServerGroupID    string
	VServerGroupName  string
	LoadBalancerID    string
	CreateTime        string
	Tags              tags.List
	BackendServers    struct{ BackendServer []backend }
	AssociatedObjects struct {
		Listeners struct{ Listener []listenerKey }
	}
}

type listenerKey struct {
	Port     int32
	Protocol string
}

type backend struct {
	ServerID    string
	ServerIP    string
	Type        string
	Description string
	Port        int32
	Weight      int32
}

type listener struct {
	LoadBalancerID      string
	ListenerPort        int32
	ListenerProtocol    string
	Status              string
	Description         string
	Scheduler           string
	VServerGroupID      string
	Tags                tags.List
	TCPListenerConfig   listenerConfig
	UDPListenerConfig   listenerConfig
	HTTPListenerConfig  listenerConfig
	HTTPSListenerConfig listenerConfig
}

// listenerConfig is what the listeners of all protocols say together.
type listenerConfig struct {
	PersistenceTimeout        api.Number
	StickySession             string
	StickySessionType         string
	Cookie                    string
	CookieTimeout             api.Number
	HealthCheck               string
	HealthCheckType           string
	HealthCheckInterval       api.Number
	HealthCheckTimeout        api.Number
	HealthCheckConnectTimeout api.Number
	HealthCheckConnectPort    api.Number
	HealthyThreshold          api.Number
	UnhealthyThreshold        api.Number
	HealthCheckMethod         string
	HealthCheckDomain         string
	HealthCheckURI            string
	HealthCheckHTTPCode       string
	ServerCertificateID       string
}

func vips() kind.Kind[instance] {
	return kind.Kind[instance]{
		Type: balance.TypeVIP, Product: api.SLB, Action: "DescribeLoadBalancers", Items: "LoadBalancers.LoadBalancer", IDs: "LoadBalancerId",
		Style: kind.CommaIDs, MaxIDs: 10, MaxPage: 100, ID: func(v *instance) string { return v.LoadBalancerID },
	}
}

func listeners() kind.Kind[listener] {
	return kind.Kind[listener]{
		Type: balance.TypeListener, Product: api.SLB, Action: "DescribeLoadBalancerListeners", Items: "Listeners",
		Paging: kind.Tokens, MaxPage: 100, ID: func(v *listener) string { return listenerID(v) },
	}
}

func tagged(word, id string) tags.Target {
	return tags.Target{Product: api.SLB, Kind: word, Untag: "UntagResources", ID: id}
}
