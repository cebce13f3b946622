package security

import (
	"strings"

	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
)

// server is a server as Security Center knows it.
type server struct {
	UUID           string `json:"Uuid"`
	InstanceID     string
	InstanceName   string
	ClientStatus   string
	Status         string
	Bind           bool
	AuthVersion    int32
	AuthModifyTime int64 // milliseconds
	SafeEventCount int32
}

func servers() kind.Kind[server] {
	return kind.Kind[server]{
		Type: typeAntivirus, Product: api.SecurityCenter, Action: "DescribeCloudCenterInstances", Items: "Instances",
		Paging: kind.CurrentPage, MaxPage: 100, Total: "PageInfo.TotalCount", ID: func(v *server) string { return v.UUID },
	}
}

// freeEdition is the edition of every server that none is bound to.
const freeEdition = 1

// protected tells whether an edition is bound to a server.
func (v *server) protected() bool { return v.Bind && v.AuthVersion > freeEdition }

// Editions, as Security Center numbers them: BindAuthToMachine, AuthVersion.
func fromProtoEdition(e securityv1.AntivirusEdition) int32 {
	switch e {
	case securityv1.AntivirusEdition_ANTIVIRUS_EDITION_ADVANCED:
		return 5
	case securityv1.AntivirusEdition_ANTIVIRUS_EDITION_ENTERPRISE:
		return 3
	case securityv1.AntivirusEdition_ANTIVIRUS_EDITION_ULTIMATE:
		return 7
	default:
		return 6
	}
}

func toProtoEdition(n int32) securityv1.AntivirusEdition {
	switch n {
	case 6:
		return securityv1.AntivirusEdition_ANTIVIRUS_EDITION_ANTIVIRUS
	case 5:
		return securityv1.AntivirusEdition_ANTIVIRUS_EDITION_ADVANCED
	case 3:
		return securityv1.AntivirusEdition_ANTIVIRUS_EDITION_ENTERPRISE
	case 7:
		return securityv1.AntivirusEdition_ANTIVIRUS_EDITION_ULTIMATE
	default:
		return securityv1.AntivirusEdition_ANTIVIRUS_EDITION_UNSPECIFIED
	}
}

// toProtoAntivirus maps the protection of a server.
func toProtoAntivirus(v *server, region string) *securityv1.Antivirus {
	threats := v.SafeEventCount
	return &securityv1.Antivirus{
		Id:            antivirusID(v.InstanceID),
		Name:          v.InstanceName,
		State:         toProtoAntivirusState(v),
		ProviderState: v.ClientStatus,
		UpdatedAt:     kind.ToProtoMillis(v.AuthModifyTime),
		RegionId:      region,
		VmId:          v.InstanceID,
		Edition:       toProtoEdition(v.AuthVersion),
		ClientStatus:  toProtoClient(v.ClientStatus),
		ThreatsCount:  &threats,
	}
}

// toProtoAntivirusState tells whether the protection works: the agent must answer
// and the server run. Source: DescribeCloudCenterInstances, ClientStatus and Status.
func toProtoAntivirusState(v *server) securityv1.AntivirusState {
	if toProtoClient(v.ClientStatus) == securityv1.AntivirusClientStatus_ANTIVIRUS_CLIENT_STATUS_ONLINE && !strings.EqualFold(v.Status, "notRunning") {
		return securityv1.AntivirusState_ANTIVIRUS_STATE_ACTIVE
	}
	return securityv1.AntivirusState_ANTIVIRUS_STATE_INACTIVE
}

func toProtoClient(status string) securityv1.AntivirusClientStatus {
	switch strings.ToLower(status) {
	case "online":
		return securityv1.AntivirusClientStatus_ANTIVIRUS_CLIENT_STATUS_ONLINE
	case "offline":
		return securityv1.AntivirusClientStatus_ANTIVIRUS_CLIENT_STATUS_OFFLINE
	case "pause":
		return securityv1.AntivirusClientStatus_ANTIVIRUS_CLIENT_STATUS_PAUSED
	default:
		return securityv1.AntivirusClientStatus_ANTIVIRUS_CLIENT_STATUS_UNSPECIFIED
	}
}

// keepsAntivirus tells whether a protection fits the filters of a request.
func keepsAntivirus(req *securityv1.ListAntivirusesRequest, v *securityv1.Antivirus) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) && req.GetTag() == "" &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetVmId() == "" || req.GetVmId() == v.GetVmId())
}
