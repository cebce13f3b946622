package zonal

import (
	"strconv"

	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
)

// Kinds of servers.
const (
	serverVM      = "Ecs"
	serverNIC     = "Eni"
	serverAddress = "Ip"
)

// params name a server in a request.
func (v *backend) params() api.Params {
	return api.Params{}.Set("ServerId", v.ServerID).Set("ServerType", v.ServerType).Set("ServerIp", v.ServerIP).Int("Port", v.Port)
}

// weighted are params with what can be changed. Weight 0, which drains, is sent too.
func (v *backend) weighted() api.Params {
	return v.params().Set("Description", v.Description).Set("Weight", strconv.Itoa(int(v.Weight)))
}

// memberID is the id of a member: group, server, port.
func (p *Product) memberID(groupID string, v *backend) string {
	return p.publicID(groupID, v.ServerID, strconv.Itoa(int(v.Port)))
}

// splitMember takes a member's id apart; false: it is none.
func (p *Product) splitMember(id string) (groupID string, v *backend, ok bool) {
	parts, ok := p.split(id, 3)
	if !ok {
		return "", nil, false
	}
	port, err := strconv.ParseUint(parts[2], 10, 16)
	if err != nil || port == 0 {
		return "", nil, false
	}
	return parts[0], &backend{ServerID: parts[1], Port: int32(port)}, true
}

// toProtoMember maps a server of a group.
func (p *Product) toProtoMember(v *backend, groupID, region string) *networkv1.Member {
	out := &networkv1.Member{
		Id:            p.memberID(groupID, v),
		Name:          v.Description,
		State:         toProtoState(v.Status),
		ProviderState: v.Status,
		RegionId:      region,
		PoolId:        p.publicID(groupID),
		Address:       v.ServerIP,
		Port:          v.Port,
		Weight:        v.Weight,
	}
	switch v.ServerType {
	case serverNIC:
		out.NicId = v.ServerID
	case serverAddress:
		out.Address = v.ServerID
	default:
		out.VmId = v.ServerID
	}
	return out
}
