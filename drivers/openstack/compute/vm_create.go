package compute

import (
	"cmp"
	"context"
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/ports"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// maxUserData is how many characters of base64 Nova takes
// (nova/api/openstack/compute/schemas/servers.py, user_data).
const maxUserData = 65535

// CreateVm makes a server, after the ports that Nova cannot make by itself. The
// server's tag marks it: a repeat looks for the tag first.
func (v *VMs) CreateVm(ctx context.Context, req *computev1.CreateVmRequest) (*computev1.CreateVmResponse, error) {
	s, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	if sdk.CallFrom(ctx).Undo {
		return undoCreate(ctx, s, req)
	}
	sv, err := markedServer(s, req).FindOrCreate(ctx)
	if err != nil {
		return nil, err
	}
	if sdk.CallFrom(ctx).Repeated() {
		if err := assignPorts(ctx, s, req, sv.ID); err != nil {
			return nil, err
		}
	}
	return &computev1.CreateVmResponse{Id: sv.ID, State: stateOf(sv.Status, sv.TaskState)}, nil
}

// markedServer is the server of a request, which has the request's marker as a tag.
func markedServer(s *session.Session, req *computev1.CreateVmRequest) sdk.Marked[server] {
	return sdk.Marked[server]{
		Find:   func(ctx context.Context) ([]server, error) { return findCreated(ctx, s) },
		Create: func(ctx context.Context) (server, error) { return createServer(ctx, s, req) },
		Compare: func(a, b server) int {
			return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID))
		},
		Remove: func(ctx context.Context, twin server) error { return deleteServer(ctx, s, twin.ID) },
	}
}

// createServer makes the server, of which it knows the id and the status then.
func createServer(ctx context.Context, s *session.Session, req *computev1.CreateVmRequest) (server, error) {
	opts, err := createOptions(ctx, s, req)
	if err != nil {
		return server{}, err
	}
	networks, made, err := attachNetworks(ctx, s, req)
	if err != nil {
		return server{}, err
	}
	opts.Networks = networks
	created, err := servers.Create(ctx, s.Compute, opts, nil).Extract()
	if err != nil {
		return server{}, sdk.TakeBack(ctx, refusedCreate(ctx, s, req, err),
			func(ctx context.Context) error { return ports.Delete(ctx, s, made) })
	}
	return server{ID: created.ID, Status: statusBuild}, ports.Assign(ctx, s, made, created.ID)
}

// assignPorts gives the VM the ports that an earlier attempt made for it, which may
// have ended before it did.
func assignPorts(ctx context.Context, s *session.Session, req *computev1.CreateVmRequest, id string) error {
	made, err := ports.Find(ctx, s, nicMarkers(ctx, req))
	if err != nil {
		return session.Error(err, typeNIC, "")
	}
	return ports.Assign(ctx, s, made, id)
}

// createBody is gophercloud's request with what that lacks.
type createBody struct {
	servers.CreateOpts
	description string
	keyName     string
}

// ToServerCreateMap implements servers.CreateOptsBuilder.
func (b createBody) ToServerCreateMap() (map[string]any, error) {
	body, err := b.CreateOpts.ToServerCreateMap()
	if err != nil {
		return nil, err
	}
	server, _ := body["server"].(map[string]any)
	if b.description != "" {
		server["description"] = b.description
	}
	if b.keyName != "" {
		server["key_name"] = b.keyName
	}
	if b.ImageRef == "" {
		delete(server, "imageRef")
	}
	return body, nil
}

// createOptions is the request to Nova but for its networks.
func createOptions(ctx context.Context, s *session.Session, req *computev1.CreateVmRequest) (*createBody, error) {
	body := &createBody{
		CreateOpts: servers.CreateOpts{
			Name:             req.GetName(),
			FlavorRef:        req.GetFlavorId(),
			SecurityGroups:   req.GetSecurityGroupIds(),
			AvailabilityZone: req.GetZoneId(),
			Metadata:         req.GetTags(),
			Tags:             []string{session.Marker(ctx, "")},
			Hostname:         req.GetHostName(),
		},
		description: req.GetDescription(),
		keyName:     req.GetKeyPairId(),
	}
	if err := checkCreate(s, req); err != nil {
		return nil, err
	}
	image, err := imageOf(ctx, s, req)
	if err != nil {
		return nil, err
	}
	if err := setDisks(ctx, s, req, image, &body.CreateOpts); err != nil {
		return nil, err
	}
	return body, setLogin(req, imageOSType(image), body)
}

// checkCreate refuses what would otherwise be misread by Nova or dropped by it.
func checkCreate(s *session.Session, req *computev1.CreateVmRequest) error {
	if strings.Contains(req.GetZoneId(), ":") {
		return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("zone_id"),
			sdk.Violation("zone_id", "must name a zone, not a host"))
	}
	if req.GetHostName() != "" && !session.AtLeast(s.Compute, versionHostName) {
		return sdk.Unsupported(featureHostName)
	}
	switch req.GetCharge().GetMode() {
	case apiv1.ChargeMode_CHARGE_MODE_PREPAID:
		return sdk.Unsupported("compute.vm.prepaid")
	case apiv1.ChargeMode_CHARGE_MODE_SPOT:
		return sdk.Unsupported("compute.vm.spot")
	}
	for _, id := range req.GetSecurityGroupIds() {
		if err := session.ReferenceUUID(typeGroup, id, "security_group_ids"); err != nil {
			return err
		}
	}
	return nil
}

// setLogin puts password and user data into the request.
func setLogin(req *computev1.CreateVmRequest, os computev1.OsType, body *createBody) error {
	data := req.GetUserData()
	if password := req.GetPassword(); password != "" {
		body.AdminPass = password
		if os == computev1.OsType_OS_TYPE_WINDOWS {
			drive := true
			body.ConfigDrive = &drive
		} else {
			var err error
			if data, err = withPassword(data, password); err != nil {
				return err
			}
		}
	}
	if len(data) == 0 {
		return nil
	}
	encoded := base64.StdEncoding.EncodeToString(data)
	if len(encoded) > maxUserData {
		return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("user_data"),
			sdk.Violation("user_data", "is too long together with the password"))
	}
	body.UserData = []byte(encoded)
	return nil
}

// findCreated finds the servers that earlier attempts of this request made.
func findCreated(ctx context.Context, s *session.Session) ([]server, error) {
	found, _, err := readServers(ctx, s, url.Values{"tags": {session.Marker(ctx, "")}})
	if err != nil {
		return nil, session.Error(err, typeVM, "")
	}
	return slices.DeleteFunc(found, func(sv server) bool {
		state := stateOf(sv.Status, sv.TaskState)
		return state == computev1.VmState_VM_STATE_DELETING || state == computev1.VmState_VM_STATE_DELETED
	}), nil
}

// undoCreate removes what the attempts of this request made.
func undoCreate(ctx context.Context, s *session.Session, req *computev1.CreateVmRequest) (*computev1.CreateVmResponse, error) {
	sv, found, err := markedServer(s, req).Made(ctx)
	if err != nil {
		return nil, err
	}
	if !found {
		made, err := ports.Find(ctx, s, nicMarkers(ctx, req))
		if err != nil {
			return nil, session.Error(err, typeNIC, "")
		}
		return &computev1.CreateVmResponse{State: computev1.VmState_VM_STATE_DELETED}, ports.Delete(ctx, s, made)
	}
	state, err := removeVM(ctx, s, sv.ID, nicMarkers(ctx, req)...)
	return &computev1.CreateVmResponse{Id: sv.ID, State: state}, err
}

// refusedCreate turns Nova's refusal into an error that names what is wrong.
func refusedCreate(ctx context.Context, s *session.Session, req *computev1.CreateVmRequest, err error) error {
	switch {
	case session.IsForbidden(err):
		need, found := needOf(ctx, s, req.GetFlavorId())
		if !found {
			return session.Error(err, typeVM, "")
		}
		need.instances = 1
		return refusedByQuota(ctx, s, need, err, "")
	case isBadRequest(err):
		return missingReference(ctx, s, req, err)
	case isConflict(err):
		return conflictingCreate(req, err)
	}
	return session.Error(err, typeVM, "")
}

// conflictingCreate names what a 409 of a creating call is about: a NIC that
// another VM has, or an address that is taken.
func conflictingCreate(req *computev1.CreateVmRequest, err error) error {
	for _, nic := range req.GetNics() {
		if nic.GetNicId() != "" {
			return session.As(apiv1.Reason_REASON_IN_USE, err, typeNIC, nic.GetNicId(), sdk.Field("nics"))
		}
	}
	return session.As(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, err, typeVM, "", sdk.Field("nics"))
}

// nicMarkers are the markers of all ports that this request can have made.
func nicMarkers(ctx context.Context, req *computev1.CreateVmRequest) []string {
	markers := make([]string, len(req.GetNics()))
	for i := range req.GetNics() {
		markers[i] = nicMarker(ctx, i)
	}
	return markers
}

// mergeReserved is the whole metadata of a server after its user tags are
// replaced: the keys that are ours stay.
func mergeReserved(old, tags map[string]string) map[string]string {
	merged := maps.Clone(tags)
	if merged == nil {
		merged = make(map[string]string)
	}
	for key, value := range old {
		if session.IsReserved(key) {
			merged[key] = value
		}
	}
	return merged
}
