package vpn

import (
	"context"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// customerGatewayFor finds the customer gateway of an address, or makes it. name
// is for a new one; field names the address in the request.
func customerGatewayFor(ctx context.Context, s *session.Session, address, name, field string) (string, error) {
	if id, err := findCustomerGateway(ctx, s, address); id != "" || err != nil {
		return id, err
	}
	var made struct{ CustomerGatewayID string }
	params := api.Params{}.Set("IpAddress", address).Set("Name", name).
		Tags("Tags", map[string]string{api.MarkerTag: api.Token(ctx, "")}).Once(ctx, "peer "+address)
	err := s.Call(ctx, api.VPC, "CreateCustomerGateway", params, &made)
	switch {
	case err == nil:
		return made.CustomerGatewayID, nil
	case api.HasCode(err, "InvalidIpAddress.AlreadyExist"):
		if id, readErr := findCustomerGateway(ctx, s, address); id != "" || readErr != nil {
			return id, readErr
		}
		return "", api.As(apiv1.Reason_REASON_RESOURCE_BUSY, err, "", "")
	case api.HasCode(err, "InvalidIpAddress.WrongFormat"):
		return "", api.As(apiv1.Reason_REASON_PARAMETER_REJECTED, err, "", "", sdk.Field(field))
	}
	return "", api.Error(err, "", "")
}

// findCustomerGateway is the customer gateway of an address; empty: there is none.
func findCustomerGateway(ctx context.Context, s *session.Session, address string) (string, error) {
	all, err := customerGateways().All(ctx, s, api.Params{})
	if err != nil {
		return "", err
	}
	for i := range all {
		if all[i].IPAddress == address {
			return all[i].CustomerGatewayID, nil
		}
	}
	return "", nil
}

// peerAddresses are the addresses of all customer gateways, by id.
func peerAddresses(ctx context.Context, s *session.Session) (map[string]string, error) {
	all, err := customerGateways().All(ctx, s, api.Params{})
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(all))
	for i := range all {
		out[all[i].CustomerGatewayID] = all[i].IPAddress
	}
	return out, nil
}

// dropCustomerGateway removes a customer gateway that the driver made and that no
// connection uses; anything else stays.
func dropCustomerGateway(ctx context.Context, s *session.Session, id string) error {
	v, err := customerGateways().Get(ctx, s, id)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		return nil
	}
	if err != nil {
		return err
	}
	if v.Tags.All()[api.MarkerTag] == "" {
		return nil
	}
	err = s.Call(ctx, api.VPC, "DeleteCustomerGateway", api.Params{}.Set("CustomerGatewayId", id), nil)
	if err == nil || api.IsNotFound(err) || api.HasCode(err, "DependencyViolation.VpnConnection") {
		return nil
	}
	return refusal(err, "", "")
}

// refusal is what a refusal about a connection means: one change at a time.
func refusal(err error, resourceType, id string) error {
	if api.HasCode(err, "VpnGateway.Configuring", "VpnTask.CONFLICT", "VpnGateway.task.conflict", "TaskConflict") {
		return api.As(apiv1.Reason_REASON_RESOURCE_BUSY, err, resourceType, id)
	}
	return api.Error(err, resourceType, id)
}
