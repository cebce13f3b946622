package bill

import (
	"context"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/disktype"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	typeVM   = "compute.vm"
	typeDisk = "storage.disk"
)

// PricedTypes are the types whose price Quote tells.
func PricedTypes() []string { return []string{typeVM, typeDisk} }

// price is a price of DescribePrice, whole or of a part.
type price struct {
	Resource                  string
	OriginalPrice, TradePrice amount
}

// Quote asks for the price of one VM without its disks, or of one disk: one call.
func Quote(ctx context.Context, caller api.Caller, req *driverv1.QuotePriceRequest) (*driverv1.QuotePriceResponse, error) {
	params, part, err := priceParams(req)
	if err != nil {
		return nil, err
	}
	resp := &driverv1.QuotePriceResponse{Unit: "hour"}
	params.Set("PriceUnit", "Hour")
	if req.GetMonths() > 0 {
		resp.Unit = "term"
		params.Set("PriceUnit", "Month").Int("Period", req.GetMonths())
	}
	var out struct {
		PriceInfo struct {
			Price struct {
				price
				Currency    string
				DetailInfos struct{ DetailInfo []price }
			}
		}
	}
	if err := caller.Call(ctx, api.ECS, "DescribePrice", params, &out); err != nil {
		return nil, explainPrice(err)
	}
	found := out.PriceInfo.Price.price
	for _, detail := range out.PriceInfo.Price.DetailInfos.DetailInfo {
		if detail.Resource == part {
			found = detail
		}
	}
	resp.ListPrice, resp.Price, resp.Currency = found.OriginalPrice.text(), found.TradePrice.text(), out.PriceInfo.Price.Currency
	return resp, nil
}

// explainPrice is what a refusal of DescribePrice means, naming the member of the spec
// that the cloud does not know or sell so.
func explainPrice(err error) error {
	member := ""
	switch {
	case api.HasCode(err, "InstanceType.Offline", "InvalidInstanceType.ValueUnauthorized"):
	case api.HasCode(err, "InvalidInstanceType*"):
		member = "flavor_id"
	case api.HasCode(err, "InvalidDiskCategory*", "InvalidDataDiskCategory*", "InvalidPerformanceLevel*", "OperationDenied.PerformanceLevelNotMatch"):
		member = "disk_type_id"
	case api.HasCode(err, "InvalidDiskSize*", "InvalidDataDiskSize*", "InvalidCapacity*"):
		member = "size_gib"
	case api.HasCode(err, "Invalid.ZoneId", "InvalidZoneId*"):
		member = "zone_id"
	case api.HasCode(err, "PriceNotFound"):
		return api.As(apiv1.Reason_REASON_NOT_FOUND, err, "", "", sdk.Field("spec"))
	}
	if member == "" {
		return api.Error(err, "", "")
	}
	return api.As(apiv1.Reason_REASON_PARAMETER_REJECTED, err, "", "", sdk.Field("spec."+member),
		sdk.Violation("spec."+member, "is not one that this cloud sells"))
}

// priceParams are the parameters of DescribePrice, and the part of its answer that
// is asked for: the cloud prices a system disk with every instance.
func priceParams(req *driverv1.QuotePriceRequest) (params api.Params, part string, err error) {
	spec := req.GetSpec()
	params = api.Params{}.Set("ZoneId", spec["zone_id"])
	need := []string{"flavor_id"}
	switch req.GetResourceType() {
	case typeVM:
		params.Set("ResourceType", "instance").Set("InstanceType", spec["flavor_id"])
		part = "instanceType"
	case typeDisk:
		category, level := disktype.FromProto(spec["disk_type_id"])
		if category == "" {
			category = spec["category"]
		}
		params.Set("ResourceType", "disk").Set("DataDisk.1.Category", category).Set("DataDisk.1.PerformanceLevel", level).
			Set("DataDisk.1.Size", spec["size_gib"])
		need, part = []string{"size_gib"}, "dataDisk"
	default:
		return nil, "", sdk.NewError(apiv1.Reason_REASON_UNSUPPORTED_METHOD, sdk.Resource(req.GetResourceType(), ""))
	}
	for _, member := range need {
		if spec[member] == "" {
			return nil, "", sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("spec."+member), sdk.Violation("spec."+member, "must be given"))
		}
	}
	return params, part, nil
}
