package tags

import (
	"context"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
)

// Target is what is tagged.
type Target struct {
	Product api.Product
	// Kind is the product's own word for it: "VPC", "securitygroup", "listener".
	Kind string
	// Untag is the action that removes tags: the products do not agree on its spelling.
	Untag string
	ID    string
}

// Replace makes the user's tags of a resource the wanted ones: at most one call
// to set and one to remove. present are the user's tags now. A repeat is harmless.
// Errors: the cloud's own.
func Replace(ctx context.Context, caller api.Caller, t Target, present, wanted map[string]string) error {
	set, remove := difference(present, wanted)
	if len(set) > 0 {
		if err := Set(ctx, caller, t, set); err != nil {
			return err
		}
	}
	if len(remove) == 0 {
		return nil
	}
	return caller.Call(ctx, t.Product, t.Untag, t.params().List("TagKey", remove...), nil)
}

// Set adds tags, ours too, to those of a resource. Errors: the cloud's own.
func Set(ctx context.Context, caller api.Caller, t Target, set map[string]string) error {
	return caller.Call(ctx, t.Product, "TagResources", t.params().Tags("Tag", set), nil)
}

func (t Target) params() api.Params {
	return api.Params{}.Set("ResourceType", t.Kind).List("ResourceId", t.ID)
}
