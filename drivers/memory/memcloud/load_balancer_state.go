package memcloud

import (
	"fmt"
	"time"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// How long the moves of load balancers take at scale 1.
const (
	vipDelay      = 2 * time.Second // to make a VIP
	balancerDelay = time.Second / 2 // everything else
)

const (
	defaultMemberWeight = 1
	defaultVIPEdition   = "standard"
	largeVIPEdition     = "large"

	auxInternetAddress = "internet_address" // public address that goes with its VIP
)

func vipEdition(wanted string) (string, error) {
	switch wanted {
	case "", defaultVIPEdition:
		return defaultVIPEdition, nil
	case largeVIPEdition:
		return largeVIPEdition, nil
	default:
		return "", rejected("edition")
	}
}

// addVIPAddresses gives a VIP its NICs, and with the scheme INTERNET a public
// address at the first.
func addVIPAddresses(v *view, r *record, vip *networkv1.Vip, req *networkv1.CreateVipRequest) error {
	for i, of := range req.GetSubnets() {
		at := fmt.Sprintf("subnets[%d].", i)
		nic, err := makeDeviceNIC(v,
			nicSpec{subnetField: at + "subnet_id", subnetID: of.GetSubnetId(), ipField: at + "ip_address", ip: of.GetIpAddress()},
			device{r.id, req.GetName(), networkv1.NicDeviceKind_NIC_DEVICE_KIND_LOAD_BALANCER})
		if err != nil {
			return err
		}
		if i > 0 && nic.GetNetworkId() != vip.GetNetworkId() {
			return mismatch(at + "subnet_id")
		}
		vip.NetworkId = nic.GetNetworkId()
		nic.LinkState = networkv1.NicLink_NIC_LINK_UP
		vip.Addresses = append(vip.Addresses, &networkv1.VipAddress{
			IpAddress: nic.GetIpAddresses()[0], SubnetId: nic.GetSubnetId(), NicId: nic.GetId(),
		})
	}
	if vip.GetScheme() == networkv1.VipScheme_VIP_SCHEME_INTERNET {
		sr, subnet, err := subnets.ref(v, "scheme", externalSubnetID)
		if err != nil {
			return err
		}
		if r.aux[auxInternetAddress], err = takeAddress(v, sr, subnet, "scheme", ""); err != nil {
			return err
		}
	}
	refreshVIP(v, r.id)
	return nil
}

// refreshVIP derives from its NICs' public IPs what a VIP shows of them. Any other
// device is left alone.
func refreshVIP(v *view, id string) {
	r, _, ok := vips.find(v, id)
	if !ok {
		return
	}
	r, vip := vips.edit(v, r)
	for i, address := range vip.GetAddresses() {
		address.PublicIpAddress = ""
		if i == 0 {
			address.PublicIpAddress = r.aux[auxInternetAddress]
		}
		_, nic, ok := nics.find(v, address.GetNicId())
		if !ok {
			continue
		}
		if _, ip, ok := publicIPs.find(v, nic.GetPublicIpId()); ok {
			address.PublicIpAddress = ip.GetIpAddress()
		}
	}
}

// balancedStates are those in which a VIP, pool, member or listener may be changed
// and used.
func balancedStates() []networkv1.LoadBalancerState {
	return []networkv1.LoadBalancerState{
		networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE, networkv1.LoadBalancerState_LOAD_BALANCER_STATE_STOPPED,
	}
}

func changeable(r *record, state networkv1.LoadBalancerState) error {
	return inState(r, state, balancedStates()...)
}

// balancedBy finds the VIP that something is made for.
func balancedBy(v *view, field, id string) (*networkv1.Vip, error) {
	r, vip, err := vips.ref(v, field, id)
	if err != nil {
		return nil, err
	}
	return vip, refInState(field, r, vip.GetState(), balancedStates()...)
}

// fitsKind tells whether a protocol belongs to the layer of a VIP.
func fitsKind(vip *networkv1.Vip, protocol networkv1.LoadBalancerProtocol) bool {
	switch vip.GetKind() {
	case networkv1.VipKind_VIP_KIND_L4:
		return !isHTTP(protocol)
	case networkv1.VipKind_VIP_KIND_L7:
		return isHTTP(protocol)
	default:
		return true
	}
}

// fitsListener tells whether a listener can send its traffic to a pool.
func fitsListener(pool, listener networkv1.LoadBalancerProtocol) bool {
	switch listener {
	case networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TLS:
		return pool == networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TCP
	case networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP, networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS:
		return isHTTP(pool)
	default:
		return pool == listener
	}
}

func isHTTP(p networkv1.LoadBalancerProtocol) bool {
	return p == networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTP || p == networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS
}

func endsTLS(p networkv1.LoadBalancerProtocol) bool {
	return p == networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_TLS || p == networkv1.LoadBalancerProtocol_LOAD_BALANCER_PROTOCOL_HTTPS
}

// completePool fills what the request left to the cloud, and refuses a cookie
// without HTTP.
func completePool(pool *networkv1.Pool) error {
	switch pool.GetSessionPersistence().GetType() {
	case networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_UNSPECIFIED, networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_NONE:
		pool.SessionPersistence = nil
	case networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_COOKIE_INSERT, networkv1.SessionPersistenceType_SESSION_PERSISTENCE_TYPE_COOKIE_APP:
		if !isHTTP(pool.GetProtocol()) {
			return rejected("session_persistence.type")
		}
	}
	monitor := pool.GetHealthMonitor()
	asks := monitor.GetType() == networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTP || monitor.GetType() == networkv1.HealthMonitorType_HEALTH_MONITOR_TYPE_HTTPS
	if !asks {
		return nil
	}
	for _, set := range []struct {
		field *string
		value string
	}{{&monitor.HttpMethod, "GET"}, {&monitor.UrlPath, "/"}, {&monitor.ExpectedCodes, "200"}} {
		if *set.field == "" {
			*set.field = set.value
		}
	}
	return nil
}

// beginUpdate puts what is being changed into UPDATING for a while.
func beginUpdate(v *view, r *record) {
	setState(r.msg, networkv1.LoadBalancerState_LOAD_BALANCER_STATE_UPDATING)
	v.after(r, balancerDelay)
}

// removeBalanced begins the removal of a VIP, pool, member or listener.
func removeBalanced[T stateful[networkv1.LoadBalancerState]](v *view, c collection[T], id string) (networkv1.LoadBalancerState, error) {
	return remove(v, c, id, networkv1.LoadBalancerState_LOAD_BALANCER_STATE_DELETED, change[networkv1.LoadBalancerState]{
		from:  append(balancedStates(), networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ERROR),
		via:   networkv1.LoadBalancerState_LOAD_BALANCER_STATE_DELETING,
		delay: balancerDelay,
	})
}

// settleVIP ends a VIP's move.
func settleVIP(v *view, r *record) {
	r, vip := vips.edit(v, r)
	good := networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE
	if !vip.GetEnabled() {
		good = networkv1.LoadBalancerState_LOAD_BALANCER_STATE_STOPPED
	}
	if settleBalanced(v, r, vip.GetState(), good) {
		removeOf(v, listeners, func(l *networkv1.Listener) bool { return l.GetVipId() == r.id })
		for pr, pool := range pools.mine(v) {
			if pool.GetVipId() == r.id {
				removeOf(v, members, func(m *networkv1.Member) bool { return m.GetPoolId() == pr.id })
			}
		}
		removeOf(v, pools, func(p *networkv1.Pool) bool { return p.GetVipId() == r.id })
		removeDeviceNICs(v, r.id)
	}
}

// settlePool ends a pool's move.
func settlePool(v *view, r *record) {
	r, pool := pools.edit(v, r)
	if settleBalanced(v, r, pool.GetState(), networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE) {
		removeOf(v, members, func(m *networkv1.Member) bool { return m.GetPoolId() == r.id })
	}
}

// settleMember ends a member's move.
func settleMember(v *view, r *record) {
	r, member := members.edit(v, r)
	settleBalanced(v, r, member.GetState(), networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE)
}

// settleListener ends a listener's move.
func settleListener(v *view, r *record) {
	r, listener := listeners.edit(v, r)
	settleBalanced(v, r, listener.GetState(), networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE)
}

// settleBalanced ends a move and tells whether the record was removed by it.
func settleBalanced(v *view, r *record, state, good networkv1.LoadBalancerState) bool {
	switch state {
	case networkv1.LoadBalancerState_LOAD_BALANCER_STATE_CREATING:
		settleTo(r, good, networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ERROR)
	case networkv1.LoadBalancerState_LOAD_BALANCER_STATE_UPDATING:
		setState(r.msg, good)
	case networkv1.LoadBalancerState_LOAD_BALANCER_STATE_DELETING:
		v.remove(r.key)
		return true
	}
	return false
}
