package compute

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"google.golang.org/protobuf/types/known/timestamppb"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// KeyPairs serves cloud.compute.v1.KeyPairService. A key pair's id is its name.
// Its keys are those of the account's user.
type KeyPairs struct {
	computev1.UnimplementedKeyPairServiceServer
	base
}

var _ computev1.KeyPairServiceServer = (*KeyPairs)(nil)

// oldKeyNames are the names that Nova took before microversion 2.92
// (nova/api/openstack/compute/schemas/keypairs.py).
var oldKeyNames = regexp.MustCompile(`^[A-Za-z0-9 _-]{1,255}$`)

type keyPair struct {
	Name        string `json:"name"`
	PublicKey   string `json:"public_key"`
	Fingerprint string `json:"fingerprint"`
	CreatedAt   string `json:"created_at"` // told by get only
}

// CreateKeyPair imports a public key. The name is the key that Nova enforces: a
// repeat finds its own key pair by it.
func (k *KeyPairs) CreateKeyPair(ctx context.Context, req *computev1.CreateKeyPairRequest) (*computev1.CreateKeyPairResponse, error) {
	s, err := k.open(ctx)
	if err != nil {
		return nil, err
	}
	if !session.AtLeast(s.Compute, versionKeyNames) && !oldKeyNames.MatchString(req.GetName()) {
		return nil, sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field("name"),
			sdk.Violation("name", "must have ASCII letters, digits, _ and - only on this cloud"))
	}
	key := strings.TrimSpace(req.GetPublicKey())
	body := map[string]any{"keypair": map[string]string{"name": req.GetName(), "public_key": key, "type": "ssh"}}
	_, err = s.Compute.Post(ctx, keyPairURL(s), body, nil, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK, http.StatusCreated}})
	if err != nil {
		err = refusedKeyPair(ctx, s, req.GetName(), key, err)
	}
	if err != nil {
		return nil, err
	}
	return &computev1.CreateKeyPairResponse{Id: req.GetName()}, nil
}

func refusedKeyPair(ctx context.Context, s *session.Session, name, key string, refusal error) error {
	switch {
	case isConflict(refusal):
		if sdk.CallFrom(ctx).Repeated() {
			if held, err := readKeyPair(ctx, s, name); err == nil && strings.TrimSpace(held.PublicKey) == key {
				return nil
			}
		}
		return session.As(apiv1.Reason_REASON_ALREADY_EXISTS, refusal, typeKeyPair, name, sdk.Field("name"))
	case session.IsForbidden(refusal):
		if keyPairsAreFull(ctx, s) {
			return session.As(apiv1.Reason_REASON_QUOTA_EXCEEDED, refusal, typeKeyPair, "")
		}
	}
	return session.Error(refusal, typeKeyPair, "", sdk.Field("public_key"))
}

// keyPairsAreFull tells whether a 403 meant the quota. Nova counts no key pairs
// in its limits, so they are counted here.
func keyPairsAreFull(ctx context.Context, s *session.Session) bool {
	absolute, err := readLimits(ctx, s, "")
	if err != nil || absolute.MaxTotalKeypairs < 0 {
		return false
	}
	list, _, err := readKeyPairs(ctx, s, url.Values{})
	return err == nil && len(list) >= absolute.MaxTotalKeypairs
}

// GetKeyPair reads one key pair.
func (k *KeyPairs) GetKeyPair(ctx context.Context, req *computev1.GetKeyPairRequest) (*computev1.GetKeyPairResponse, error) {
	s, err := k.open(ctx)
	if err != nil {
		return nil, err
	}
	found, err := readKeyPair(ctx, s, req.GetId())
	if err != nil {
		return nil, session.Error(err, typeKeyPair, req.GetId())
	}
	return &computev1.GetKeyPairResponse{KeyPair: toKeyPair(found, s.Region)}, nil
}

// ListKeyPairs reads a page of key pairs. Nova does not tell their times here.
func (k *KeyPairs) ListKeyPairs(ctx context.Context, req *computev1.ListKeyPairsRequest) (*computev1.ListKeyPairsResponse, error) {
	s, err := k.open(ctx)
	if err != nil {
		return nil, err
	}
	resp := &computev1.ListKeyPairsResponse{}
	query := pageQuery(req, req.GetPageToken())
	if len(req.GetIds()) > 0 {
		query = url.Values{}
	}
	list, more, err := readKeyPairs(ctx, s, query)
	switch {
	case err != nil && req.GetPageToken() != "" && isBadMarker(err):
		return nil, sdk.BadPageToken(err)
	case err != nil:
		return nil, session.Error(err, typeKeyPair, "")
	}
	switch {
	case len(req.GetIds()) > 0:
		list, resp.MissingIds = sdk.PickIDs(list, keyPairKey, req.GetIds())
	case more && len(list) > 0:
		resp.NextPageToken = list[len(list)-1].Name
	}
	list = slices.DeleteFunc(list, func(p keyPair) bool {
		return req.GetName() != "" && p.Name != req.GetName() || req.GetTag() != ""
	})
	for i := range list {
		resp.KeyPairs = append(resp.KeyPairs, toKeyPair(&list[i], s.Region))
	}
	return resp, nil
}

// DeleteKeyPair deletes a key pair; absent is success.
func (k *KeyPairs) DeleteKeyPair(ctx context.Context, req *computev1.DeleteKeyPairRequest) (*computev1.DeleteKeyPairResponse, error) {
	s, err := k.open(ctx)
	if err != nil {
		return nil, err
	}
	_, err = s.Compute.Delete(ctx, keyPairURL(s, req.GetId()), nil)
	if err != nil && !session.IsNotFound(err) {
		return nil, session.Error(err, typeKeyPair, req.GetId())
	}
	return &computev1.DeleteKeyPairResponse{Id: req.GetId()}, nil
}

func keyPairKey(p keyPair) string { return p.Name }

func keyPairURL(s *session.Session, name ...string) string {
	parts := []string{"os-keypairs"}
	for _, n := range name {
		parts = append(parts, session.PathEscape(n))
	}
	return s.Compute.ServiceURL(parts...)
}

// readKeyPair reads one key pair. The error is the cloud's own.
func readKeyPair(ctx context.Context, s *session.Session, name string) (*keyPair, error) {
	var body struct {
		KeyPair keyPair `json:"keypair"`
	}
	_, err := s.Compute.Get(ctx, keyPairURL(s, name), &body, nil)
	return &body.KeyPair, err
}

func readKeyPairs(ctx context.Context, s *session.Session, query url.Values) (list []keyPair, more bool, err error) {
	var body struct {
		KeyPairs []struct {
			KeyPair keyPair `json:"keypair"`
		} `json:"keypairs"`
		Links []gophercloud.Link `json:"keypairs_links"`
	}
	if _, err := s.Compute.Get(ctx, keyPairURL(s)+"?"+query.Encode(), &body, nil); err != nil {
		return nil, false, err
	}
	for _, item := range body.KeyPairs {
		list = append(list, item.KeyPair)
	}
	return list, len(body.Links) > 0, nil
}

func toKeyPair(p *keyPair, region string) *computev1.KeyPair {
	pair := &computev1.KeyPair{
		Id:          p.Name,
		Name:        p.Name,
		RegionId:    region,
		PublicKey:   strings.TrimSpace(p.PublicKey),
		Fingerprint: p.Fingerprint,
	}
	if t, ok := parseTime(p.CreatedAt); ok {
		pair.CreatedAt = timestamppb.New(t)
	}
	return pair
}
