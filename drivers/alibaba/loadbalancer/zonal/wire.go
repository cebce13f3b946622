package zonal

import (
	"cmp"
	"strconv"

	"github.com/yunqiao/yunqiao/drivers/alibaba/balance"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

// Answers of both products, as far as the driver reads them. encoding/json compares
// names without case; where the two differ both names are here.

type balancer struct {
	LoadBalancerID      string
	LoadBalancerName    string
	LoadBalancerStatus  string
	LoadBalancerEdition string // ALB
	AddressType         string
	VpcID               string
	CreateTime          string
	DNSName             string
	Tags                tags.List
	ZoneMappings        []zoneMapping

	DeletionProtectionConfig struct{ Enabled bool }

	LoadBalancerOperationLocks []operationLock // ALB
	OperationLocks             []operationLock // NLB
}

type operationLock struct{ LockType string }

type zoneMapping struct {
	VSwitchID             string
	LoadBalancerAddresses []zoneAddress
}

// zoneAddress is an address in one zone. Of a public ALB, Address is the public one.
type zoneAddress struct {
	Address            string // ALB
	IntranetAddress    string // ALB
	PrivateIPv4Address string // NLB
	PublicIPv4Address  string // NLB
	EniID              string // NLB
}

type serverGroup struct {
	ServerGroupID           string
	ServerGroupName         string
	ServerGroupStatus       string
	ServerGroupType         string
	VpcID                   string
	Scheduler               string
	Protocol                string
	CreateTime              string // ALB
	PreserveClientIPEnabled bool   // NLB
	RelatedLoadBalancerIDs  []string
	Tags                    tags.List
	StickySessionConfig     stickySession // ALB
	HealthCheckConfig       healthCheck   // ALB
	HealthCheck             healthCheck   // NLB
}

type stickySession struct {
	StickySessionEnabled bool
	StickySessionType    string
	Cookie               string
	CookieTimeout        int32
}

type healthCheck struct {
	HealthCheckEnabled        bool
	HealthCheckConnectPort    int32
	HealthCheckInterval       int32
	HealthyThreshold          int32
	UnhealthyThreshold        int32
	HealthCheckProtocol       string // ALB
	HealthCheckType           string // NLB
	HealthCheckTimeout        int32  // ALB
	HealthCheckConnectTimeout int32  // NLB
	HealthCheckHost           string // ALB
	HealthCheckDomain         string // NLB
	HealthCheckPath           string // ALB
	HealthCheckURL            string // NLB
	HealthCheckMethod         string // ALB
	HTTPCheckMethod           string // NLB
	HealthCheckCodes          []string
	HealthCheckHTTPCode       []string
}

type listener struct {
	ListenerID          string
	ListenerProtocol    string
	ListenerPort        int32
	ListenerDescription string
	ListenerStatus      string
	LoadBalancerID      string
	Tags                tags.List
	ServerGroupID       string   // NLB
	CertificateIDs      []string // NLB
	Certificates        []certificate
	DefaultActions      []action // ALB
}

type certificate struct{ CertificateID string }

type action struct {
	ForwardGroupConfig struct {
		ServerGroupTuples []struct{ ServerGroupID string }
	}
}

// poolID is the server group that a listener sends to.
func (v *listener) poolID() string {
	for _, a := range v.DefaultActions {
		for _, to := range a.ForwardGroupConfig.ServerGroupTuples {
			return to.ServerGroupID
		}
	}
	return v.ServerGroupID
}

type backend struct {
	ServerGroupID string
	ServerID      string
	ServerType    string
	ServerIP      string
	Port          int32
	Weight        int32
	Description   string
	Status        string
}

// key is what names a server within its group.
func (v *backend) key() string {
	return cmp.Or(v.ServerID, v.ServerIP) + ":" + strconv.Itoa(int(v.Port))
}

// maxIDs is how many ids one call is asked for.
const maxIDs = 20

func (p *Product) balancers() kind.Kind[balancer] {
	return kind.Kind[balancer]{
		Type: balance.TypeVIP, Product: p.API, Action: "ListLoadBalancers", Items: "LoadBalancers", IDs: "LoadBalancerIds",
		Style: kind.ListedIDs, MaxIDs: maxIDs, Paging: kind.Tokens, MaxPage: 100, ID: func(v *balancer) string { return v.LoadBalancerID },
	}
}

func (p *Product) groups() kind.Kind[serverGroup] {
	return kind.Kind[serverGroup]{
		Type: balance.TypePool, Product: p.API, Action: "ListServerGroups", Items: "ServerGroups", IDs: "ServerGroupIds",
		Style: kind.ListedIDs, MaxIDs: maxIDs, Paging: kind.Tokens, MaxPage: 100, ID: func(v *serverGroup) string { return v.ServerGroupID },
	}
}

func (p *Product) listeners() kind.Kind[listener] {
	return kind.Kind[listener]{
		Type: balance.TypeListener, Product: p.API, Action: "ListListeners", Items: "Listeners", IDs: "ListenerIds",
		Style: kind.ListedIDs, MaxIDs: maxIDs, Paging: kind.Tokens, MaxPage: 100, ID: func(v *listener) string { return v.ListenerID },
	}
}

func (p *Product) servers() kind.Kind[backend] {
	return kind.Kind[backend]{
		Type: balance.TypeMember, Product: p.API, Action: "ListServerGroupServers", Items: "Servers",
		Paging: kind.Tokens, MaxPage: 500, ID: (*backend).key,
	}
}

func (p *Product) tagged(word, id string) tags.Target {
	return tags.Target{Product: p.API, Kind: word, Untag: p.untag, ID: id}
}
