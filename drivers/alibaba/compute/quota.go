package compute

import (
	"context"
	"strconv"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
)

// Attributes of an account that are limits. Others of DescribeAccountAttributes are
// out of date by its own description and left out.
const (
	attributeMaxVCPUs  = "max-postpaid-instance-vcpu-count"
	attributeUsedVCPUs = "used-postpaid-instance-vcpu-count"
)

// GetComputeQuota reads how many vCPUs pay-as-you-go instances may have and have:
// one call.
func (v *VMs) GetComputeQuota(ctx context.Context, _ *computev1.GetComputeQuotaRequest) (*computev1.GetComputeQuotaResponse, error) {
	s, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	var out struct {
		AccountAttributeItems struct {
			AccountAttributeItem []struct {
				AttributeName   string
				AttributeValues struct {
					ValueItem []struct{ Value string }
				}
			}
		}
	}
	params := api.Params{}.List("AttributeName", attributeMaxVCPUs, attributeUsedVCPUs)
	if err := s.Call(ctx, api.ECS, "DescribeAccountAttributes", params, &out); err != nil {
		return nil, api.Error(err, "", "")
	}
	vcpus := &apiv1.Quota{Name: "compute.vm.vcpus", Unit: "count"}
	for _, item := range out.AccountAttributeItems.AccountAttributeItem {
		for _, value := range item.AttributeValues.ValueItem {
			n, err := strconv.ParseInt(value.Value, 10, 32)
			if err != nil {
				continue
			}
			switch count := int32(n); item.AttributeName {
			case attributeMaxVCPUs:
				vcpus.Limit = &count
			case attributeUsedVCPUs:
				vcpus.Used = &count
			}
		}
	}
	if vcpus.Limit == nil && vcpus.Used == nil {
		return &computev1.GetComputeQuotaResponse{}, nil
	}
	return &computev1.GetComputeQuotaResponse{Quotas: []*apiv1.Quota{vcpus}}, nil
}
