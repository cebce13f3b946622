package loadbalancer

import (
	"strconv"
	"strings"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/balance"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/nativeid"
)

// Kinds of backend servers.
const (
	serverVM  = "ecs"
	serverNIC = "eni"
)

// backendServer is a server as a request names it: JSON text, all members text.
type backendServer struct {
	ServerID    string `json:"ServerId"`
	Port        string `json:"Port"`
	Type        string `json:"Type,omitempty"`
	Weight      string `json:"Weight,omitempty"`
	ServerIP    string `json:"ServerIp,omitempty"`
	Description string `json:"Description,omitempty"`
}

// named is a server with what identifies it.
func named(v *backend) backendServer {
	return backendServer{ServerID: v.ServerID, Port: strconv.Itoa(int(v.Port)), Type: v.Type, ServerIP: v.ServerIP}
}

// memberID is the id of a member: group, server, port.
func memberID(poolID string, v *backend) string {
	return nativeid.Join(poolID, v.ServerID, strconv.Itoa(int(v.Port)))
}

// splitMemberID takes a member's id apart. Errors: NOT_FOUND.
func splitMemberID(id string) (poolID, serverID string, port int32, err error) {
	parts, err := nativeid.Split(id)
	if err != nil || len(parts) != 3 || number(parts[2]) == 0 {
		return "", "", 0, sdk.NotFound(balance.TypeMember, id, err)
	}
	return parts[0], parts[1], number(parts[2]), nil
}

// toProtoMember maps a backend server of a group.
func toProtoMember(v *backend, poolID, region string) *networkv1.Member {
	out := &networkv1.Member{
		Id:       memberID(poolID, v),
		Name:     v.Description,
		State:    networkv1.LoadBalancerState_LOAD_BALANCER_STATE_ACTIVE,
		RegionId: region,
		PoolId:   poolID,
		Address:  v.ServerIP,
		Port:     v.Port,
		Weight:   v.Weight,
	}
	if strings.EqualFold(v.Type, serverNIC) {
		out.NicId = v.ServerID
	} else {
		out.VmId = v.ServerID
	}
	return out
}

// find is the server of a group at a port; nil: there is none.
func (v *group) find(serverID string, port int32) *backend {
	all := v.BackendServers.BackendServer
	for i := range all {
		if all[i].ServerID == serverID && all[i].Port == port {
			return &all[i]
		}
	}
	return nil
}
