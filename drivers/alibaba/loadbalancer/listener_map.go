package loadbalancer

import (
	"strconv"
	"strings"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/balance"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/nativeid"
)

// listenerID is the id of a listener: instance, protocol, port.
func listenerID(v *listener) string {
	return nativeid.Join(v.LoadBalancerID, strings.ToLower(v.ListenerProtocol), strconv.Itoa(int(v.ListenerPort)))
}

// splitListenerID takes a listener's id apart. Errors: NOT_FOUND.
func splitListenerID(id string) (*listener, error) {
	parts, err := nativeid.Split(id)
	if err != nil || len(parts) != 3 || number(parts[2]) == 0 {
		return nil, sdk.NotFound(balance.TypeListener, id, err)
	}
	return &listener{LoadBalancerID: parts[0], ListenerProtocol: parts[1], ListenerPort: number(parts[2])}, nil
}

// tagID is the name of a listener for tagging.
func (v *listener) tagID() string {
	return v.LoadBalancerID + "_" + strings.ToLower(v.ListenerProtocol) + "_" + strconv.Itoa(int(v.ListenerPort))
}

// params name a listener in a request.
func (v *listener) params() api.Params {
	return api.Params{}.Set("LoadBalancerId", v.LoadBalancerID).Int("ListenerPort", v.ListenerPort)
}

// word is how the names of actions write a protocol: CreateLoadBalancerTCPListener.
func (v *listener) word() string { return strings.ToUpper(v.ListenerProtocol) }

// toProtoListener maps a listener.
func toProtoListener(v *listener, region string) *networkv1.Listener {
	out := &networkv1.Listener{
		Id:            listenerID(v),
		Name:          v.Description,
		Tags:          v.Tags.ToProto(),
		State:         toProtoListenerState(v.Status),
		ProviderState: v.Status,
		RegionId:      region,
		VipId:         v.LoadBalancerID,
		Protocol:      toProtoProtocol(v.ListenerProtocol),
		Port:          v.ListenerPort,
		DefaultPoolId: v.VServerGroupID,
	}
	if id := v.config().ServerCertificateID; id != "" {
		out.CertificateIds = []string{id}
	}
	return out
}

// toProtoListenerState maps the status of a listener. Source:
// DescribeLoadBalancerListeners, Status.
func toProtoListenerState(status string) networkv1.LoadBalancerState {
	switch strings.ToLower(status) {
	case "running":
		return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE
	case "stopped":
		return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_STOPPED
	case "starting", "configuring", "stopping":
		return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_UPDATING
	default:
		return networkv1.LoadBalancerState_LOAD_BALANCER_STATE_UNSPECIFIED
	}
}
