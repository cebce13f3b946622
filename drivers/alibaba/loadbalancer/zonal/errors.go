package zonal

import (
	"context"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/balance"
	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// busy are the codes of something that another job changes. Sources: the definitions,
// and what Alibaba's Terraform provider repeats.
func busy(err error) bool {
	return api.HasCode(err, "ResourceInConfiguring*", "ResourceInCreating*", "Conflict.Lock", "SystemBusy", "IdempotenceProcessing",
		"OperationFailed.ResourceIsConfiguring", "IncorrectStatus.ServerGroup", "IncorrectStatus.serverGroup", "IncorrectStatus.Listener",
		"IncorrectStatus.listener", "VipStatusNotSupport")
}

// gone tells whether the cloud says that something does not exist, of the words that
// its codes have for it: ResourceNotFound.ServerGroup, ResourceNotFound.serverGroup.
func gone(err error, words ...string) bool {
	for _, word := range words {
		if api.HasCode(err, "ResourceNotFound."+word, "ResourceNotFound."+strings.ToLower(word[:1])+word[1:]) {
			return true
		}
	}
	return false
}

// The cloud's words.
const (
	wordBalancer = "LoadBalancer"
	wordListener = "Listener"
	wordGroup    = "ServerGroup"
	wordServer   = "BackendServer"
)

// refusal is what a refusal means: nil stays nil.
func (p *Product) refusal(err error, resourceType, id string) error {
	switch {
	case busy(err):
		return api.As(apiv1.Reason_REASON_RESOURCE_BUSY, err, resourceType, id, sdk.RetryAfter(pollAfter))
	case api.HasCode(err, "OperationDenied.DeletionProtectionEnabled"):
		return api.As(apiv1.Reason_REASON_DELETION_PROTECTED, err, resourceType, id)
	case gone(err, wordBalancer) && resourceType != balance.TypeVIP:
		return api.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, balance.TypeVIP, "", sdk.Field("vip_id"))
	case gone(err, wordGroup) && resourceType != balance.TypePool:
		return api.As(apiv1.Reason_REASON_REFERENCE_NOT_FOUND, err, balance.TypePool, "", sdk.Field(poolField(resourceType)))
	case gone(err, wordBalancer, wordGroup, wordListener, wordServer) && id != "":
		return sdk.NotFound(resourceType, id, err)
	}
	return api.Error(err, resourceType, id)
}

func poolField(resourceType string) string {
	if resourceType == balance.TypeListener {
		return "default_pool_id"
	}
	return "pool_id"
}

// refusalOf is refusal for a call that may meet a wrong state of an instance, which
// does not tell whether waiting helps: the instance is read once.
func (p *Product) refusalOf(ctx context.Context, s *session.Session, err error, vipID, resourceType, id string) error {
	if api.HasCode(err, "IncorrectStatus.LoadBalancer", "IncorrectStatus.loadbalancer", "IncorrectBusinessStatus.LoadBalancer") {
		return p.balancers().Refusal(ctx, s, err, vipID, func(v *balancer) bool {
			state := toProtoVIPState(v.LoadBalancerStatus)
			return state == creating || state == updating
		})
	}
	return p.refusal(err, resourceType, id)
}
