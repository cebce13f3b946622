package compute

import (
	"cmp"
	"context"
	"errors"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// passwordEncryption is how a guest encrypts the password that it posts
// (https://docs.openstack.org/api-ref/compute/#servers-password-servers-os-server-password).
const passwordEncryption = "RSA_PKCS1_V15"

var errNoPassword = errors.New("the guest has posted no password")

// GetVmInitialPassword reads the password that the guest itself has made and
// posted, encrypted for the VM's key pair. Most Linux guests post none.
func (v *VMs) GetVmInitialPassword(ctx context.Context, req *computev1.GetVmInitialPasswordRequest) (*computev1.GetVmInitialPasswordResponse, error) {
	s, err := v.openVM(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	sv, err := readServer(ctx, s, req.GetId())
	if err != nil {
		return nil, session.Error(err, typeVM, req.GetId())
	}
	var body struct {
		Password string `json:"password"`
	}
	if _, err := s.Compute.Get(ctx, s.Compute.ServiceURL("servers", sv.ID, "os-server-password"), &body, nil); err != nil {
		return nil, session.Error(err, typeVM, sv.ID)
	}
	switch {
	case body.Password != "":
	case stateOf(sv.Status, sv.TaskState) == computev1.VmState_VM_STATE_CREATING:
		return nil, sdk.InvalidState(typeVM, sv.ID, errNoPassword)
	default:
		return nil, sdk.NotFound(typeVM, sv.ID, errNoPassword)
	}
	found, err := knownImages(ctx, s, []string{string(sv.Image)})
	if err != nil {
		return nil, err
	}
	return &computev1.GetVmInitialPasswordResponse{
		Username:          administratorOf(found[string(sv.Image)]),
		EncryptedPassword: body.Password,
		Encryption:        passwordEncryption,
	}, nil
}

// administratorOf is the name of the user whose password is meant.
func administratorOf(image *images.Image) string {
	name := administrator
	if imageOSType(image) == computev1.OsType_OS_TYPE_WINDOWS {
		name = "Administrator"
	}
	return cmp.Or(imageProperty(image, propertyAdminUser), name)
}

// ResetVmPassword has the guest's agent set the password.
func (v *VMs) ResetVmPassword(ctx context.Context, req *computev1.ResetVmPasswordRequest) (*computev1.ResetVmPasswordResponse, error) {
	s, err := v.openVM(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	err = act(ctx, s, req.GetId(), actionPassword, map[string]string{"adminPass": req.GetPassword()}, nil)
	if err != nil {
		return nil, refusedAction(ctx, s, req.GetId(), err, nil)
	}
	return &computev1.ResetVmPasswordResponse{Id: req.GetId(), State: computev1.VmState_VM_STATE_UPDATING}, nil
}
