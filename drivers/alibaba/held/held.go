package held

import (
	"context"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	// tagRegion is the one region that takes preset tags, for accounts of every region.
	tagRegion = "cn-hangzhou"
	preset    = "MetaTag"
	// maxValue is the most characters that a tag value may have.
	maxValue = 128
	// valuesOnAPage is the most that ListTagValues answers at once.
	valuesOnAPage = 1000
)

// Kind is one kind of object.
type Kind struct {
	Type string // of the contract: "security.ike_policy"
	Key  string // of the preset tag
}

// Object is an object that is kept.
type Object struct {
	ID   string
	Text string
}

// Create keeps an object. Errors: PARAMETER_REJECTED where it is too long.
func (k Kind) Create(ctx context.Context, caller api.Caller, text string) (id string, err error) {
	id = api.Token(ctx, "")
	value := id + "." + text
	if len([]rune(value)) > maxValue {
		return "", sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("name"),
			sdk.Violation("name", "is too long for this cloud"))
	}
	params := region().Objects("TagKeyValueParamList", api.Params{"Key": k.Key, "TagValueParamList.1.Value": value})
	if err := caller.Call(ctx, api.Tag, "CreateTags", params, nil); err != nil {
		return "", api.Error(err, k.Type, "")
	}
	return id, nil
}

// Get reads one object. Errors: NOT_FOUND.
func (k Kind) Get(ctx context.Context, caller api.Caller, id string) (Object, error) {
	found, err := k.list(ctx, caller, id+".")
	if err != nil {
		return Object{}, err
	}
	for _, o := range found {
		if o.ID == id {
			return o, nil
		}
	}
	return Object{}, sdk.NotFound(k.Type, id, nil)
}

// List reads all objects.
func (k Kind) List(ctx context.Context, caller api.Caller) ([]Object, error) {
	return k.list(ctx, caller, "")
}

// Delete forgets an object; absent is success.
func (k Kind) Delete(ctx context.Context, caller api.Caller, id string) error {
	o, err := k.Get(ctx, caller, id)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		return nil
	}
	if err != nil {
		return err
	}
	err = caller.Call(ctx, api.Tag, "DeleteTag", region().Set("Key", k.Key).Set("Value", o.ID+"."+o.Text), nil)
	if api.IsNotFound(err) {
		return nil
	}
	return api.Error(err, k.Type, id)
}

// list reads the objects whose value begins so. A key that nobody has made has none.
func (k Kind) list(ctx context.Context, caller api.Caller, prefix string) ([]Object, error) {
	params := region().Set("Key", k.Key).Set("QueryType", preset).Int("PageSize", valuesOnAPage)
	if prefix != "" {
		params.Set("FuzzyType", "PREFIX").Set("TagFilter.Value", prefix)
	}
	var all []Object
	for {
		var answer struct {
			NextToken string
			Values    struct{ Value []string }
		}
		err := caller.Call(ctx, api.Tag, "ListTagValues", params, &answer)
		if api.IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, api.Error(err, k.Type, "")
		}
		for _, value := range answer.Values.Value {
			if id, text, ok := strings.Cut(value, "."); ok {
				all = append(all, Object{ID: id, Text: text})
			}
		}
		if answer.NextToken == "" {
			return all, nil
		}
		params.Set("NextToken", answer.NextToken)
	}
}

func region() api.Params { return api.Params{}.Set("RegionId", tagRegion) }
