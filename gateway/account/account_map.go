package account

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/internal/fault"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
)

// ToProtoAccount shows an account to a client; credentials only by name.
func ToProtoAccount(a *Account) *accountv1.Account {
	p := &accountv1.Account{
		Id:              a.ID,
		Driver:          a.Driver,
		CloudKind:       a.Kind,
		Description:     a.Description,
		Settings:        a.Settings,
		CredentialNames: a.CredentialNames,
		State:           a.State,
		RegionId:        a.RegionID,
		CloudProject:    a.Project,
		Methods:         slices.Sorted(maps.Keys(a.methods)),
		Features:        slices.Sorted(maps.Keys(a.features)),
		CreatedAt:       timestamppb.New(a.CreatedAt),
		FromConfig:      a.FromConfig,
	}
	if a.Reason != 0 {
		p.StateReason = sdk.ReasonName(a.Reason)
		p.StateMessage = fault.Fault{Reason: a.Reason}.Client(false).GetMessage()
	}
	if !a.ObservedAt.IsZero() {
		p.ObservedAt = timestamppb.New(a.ObservedAt)
	}
	return p
}
