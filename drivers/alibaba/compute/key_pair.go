package compute

import (
	"context"
	"errors"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/ecs"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/nativeid"
)

// KeyPairs serves cloud.compute.v1.KeyPairService. The id of a key pair is its name;
// the gateway makes keys and gives their public half.
type KeyPairs struct {
	computev1.UnimplementedKeyPairServiceServer
	base
}

var _ computev1.KeyPairServiceServer = (*KeyPairs)(nil)

type keyPair struct {
	KeyPairName        string
	KeyPairFingerPrint string
	PublicKey          string
	CreationTime       string
	ResourceGroupID    string `json:"ResourceGroupId"`
	Tags               tags.List
}

// keyPairs ask by name, for which the cloud takes patterns: a name has none of
// their signs.
func keyPairs() kind.Kind[keyPair] {
	return kind.Kind[keyPair]{
		Type: typeKeyPair, Product: api.ECS, Action: "DescribeKeyPairs", Items: "KeyPairs.KeyPair", IDs: "KeyPairName",
		MaxPage: 50, ID: func(v *keyPair) string { return v.KeyPairName }, Group: func(v *keyPair) string { return v.ResourceGroupID },
		With: api.Params{}.Bool("IncludePublicKey", true),
	}
}

// CreateKeyPair brings in a public key. The action takes no ClientToken: the name is
// unique, and our tag tells a repeat from another's key pair of that name. One
// call; one more where the name is taken.
func (k *KeyPairs) CreateKeyPair(ctx context.Context, req *computev1.CreateKeyPairRequest) (*computev1.CreateKeyPairResponse, error) {
	s, err := k.open(ctx)
	if err != nil {
		return nil, err
	}
	marked := map[string]string{api.MarkerTag: api.Token(ctx, "")}
	for key, value := range req.GetTags() {
		marked[key] = value
	}
	params := api.Params{}.Set("KeyPairName", req.GetName()).Set("PublicKeyBody", req.GetPublicKey()).
		Set("ResourceGroupId", s.ResourceGroup).Tags("Tag", marked)
	resp := &computev1.CreateKeyPairResponse{Id: toKeyPairID(req.GetName())}
	err = s.Call(ctx, api.ECS, "ImportKeyPair", params, nil)
	if api.Reason(err) != apiv1.Reason_REASON_ALREADY_EXISTS {
		return resp, api.Error(err, typeKeyPair, "")
	}
	found, readErr := keyPairs().Get(ctx, s, req.GetName())
	if readErr == nil && found.Tags.All()[api.MarkerTag] == api.Token(ctx, "") {
		return resp, nil
	}
	return nil, api.Error(err, typeKeyPair, "")
}

// GetKeyPair reads one key pair: one call.
func (k *KeyPairs) GetKeyPair(ctx context.Context, req *computev1.GetKeyPairRequest) (*computev1.GetKeyPairResponse, error) {
	s, err := k.open(ctx)
	if err != nil {
		return nil, err
	}
	name, err := fromKeyPairID(req.GetId())
	if err != nil {
		return nil, err
	}
	found, err := keyPairs().Get(ctx, s, name)
	if err != nil {
		return nil, err
	}
	return &computev1.GetKeyPairResponse{KeyPair: toProtoKeyPair(found, s.Region)}, nil
}

// ListKeyPairs reads a page of key pairs: one call, or with ids as many as there
// are pages.
func (k *KeyPairs) ListKeyPairs(ctx context.Context, req *computev1.ListKeyPairsRequest) (*computev1.ListKeyPairsResponse, error) {
	s, err := k.open(ctx)
	if err != nil {
		return nil, err
	}
	params := api.Params{}.Set("KeyPairName", req.GetName()).Set("ResourceGroupId", s.ResourceGroup)
	resp := &computev1.ListKeyPairsResponse{}
	var page kind.Page[keyPair]
	if len(req.GetIds()) > 0 {
		var all []keyPair
		if all, err = keyPairs().All(ctx, s, params); err == nil {
			page.Items, resp.MissingIds = sdk.PickIDs(all, func(v keyPair) string { return toKeyPairID(v.KeyPairName) }, req.GetIds())
		}
	} else {
		page, err = keyPairs().Find(ctx, s, req, params)
		resp.NextPageToken = page.Next
	}
	if err != nil {
		return nil, err
	}
	for i := range page.Items {
		v := toProtoKeyPair(&page.Items[i], s.Region)
		if (req.GetName() == "" || req.GetName() == v.GetName()) && tags.Match(v.GetTags(), req.GetTag()) {
			resp.KeyPairs = append(resp.KeyPairs, v)
		}
	}
	return resp, nil
}

// DeleteKeyPair removes a key pair; VMs keep the key that they have. One call.
func (k *KeyPairs) DeleteKeyPair(ctx context.Context, req *computev1.DeleteKeyPairRequest) (*computev1.DeleteKeyPairResponse, error) {
	s, err := k.open(ctx)
	if err != nil {
		return nil, err
	}
	name, err := fromKeyPairID(req.GetId())
	if err != nil {
		return nil, err
	}
	err = s.Call(ctx, api.ECS, "DeleteKeyPairs", api.Params{}.IDs("KeyPairNames", name), nil)
	if err != nil && !api.IsGone(err, typeKeyPair) {
		return nil, api.Error(err, typeKeyPair, req.GetId())
	}
	return &computev1.DeleteKeyPairResponse{Id: req.GetId()}, nil
}

func toProtoKeyPair(v *keyPair, region string) *computev1.KeyPair {
	return &computev1.KeyPair{
		Id: toKeyPairID(v.KeyPairName), Name: v.KeyPairName, Tags: v.Tags.ToProto(), RegionId: region,
		CreatedAt: kind.ToProtoTime(v.CreationTime), PublicKey: v.PublicKey, Fingerprint: v.KeyPairFingerPrint,
		ProviderAttributes: ecs.Attributes(map[string]string{ecs.AttributeGroup: v.ResourceGroupID}),
	}
}

// toKeyPairID spells a key pair's id; empty stays empty.
func toKeyPairID(name string) string {
	if name == "" {
		return ""
	}
	return nativeid.Escape(name)
}

var errNotAnID = errors.New("not an id of a key pair")

// fromKeyPairID reads the name out of an id; empty stays empty.
func fromKeyPairID(id string) (string, error) {
	if id == "" {
		return "", nil
	}
	name, err := nativeid.Unescape(id)
	if err != nil {
		return "", sdk.NotFound(typeKeyPair, id, errors.Join(errNotAnID, err))
	}
	return name, nil
}
