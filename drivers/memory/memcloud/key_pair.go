package memcloud

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

type keyPairService struct {
	computev1.UnimplementedKeyPairServiceServer
	c *Cloud
}

var _ computev1.KeyPairServiceServer = (*keyPairService)(nil)

// CreateKeyPair takes a public key. The name is the id.
func (s *keyPairService) CreateKeyPair(ctx context.Context, req *computev1.CreateKeyPairRequest) (*computev1.CreateKeyPairResponse, error) {
	return write(s.c, ctx, func(v *view) (*computev1.CreateKeyPairResponse, error) {
		if _, _, ok := keyPairs.find(v, req.GetName()); ok {
			return nil, sdk.NewError(apiv1.Reason_REASON_ALREADY_EXISTS, sdk.Resource(string(keyPairs.kind), req.GetName()))
		}
		print, err := fingerprint(req.GetPublicKey())
		if err == nil {
			err = v.within(use{"compute.key_pair.count", 1})
		}
		if err != nil {
			return nil, err
		}
		pair := &computev1.KeyPair{}
		fill(pair, req)
		pair.Fingerprint = print
		r, _ := keyPairs.addAs(v, req.GetName(), pair)
		return &computev1.CreateKeyPairResponse{Id: r.id}, nil
	})
}

// ListKeyPairs reads a page of key pairs.
func (s *keyPairService) ListKeyPairs(ctx context.Context, req *computev1.ListKeyPairsRequest) (*computev1.ListKeyPairsResponse, error) {
	p, err := list(s.c, ctx, keyPairs, req, nil)
	return &computev1.ListKeyPairsResponse{KeyPairs: p.items, NextPageToken: p.next, MissingIds: p.missing}, err
}

// GetKeyPair reads one key pair.
func (s *keyPairService) GetKeyPair(ctx context.Context, req *computev1.GetKeyPairRequest) (*computev1.GetKeyPairResponse, error) {
	return read(s.c, ctx, func(v *view) (*computev1.GetKeyPairResponse, error) {
		_, pair, err := keyPairs.get(v, req.GetId())
		return &computev1.GetKeyPairResponse{KeyPair: pair}, err
	})
}

// DeleteKeyPair forgets a key pair; VMs made with it keep their key.
func (s *keyPairService) DeleteKeyPair(ctx context.Context, req *computev1.DeleteKeyPairRequest) (*computev1.DeleteKeyPairResponse, error) {
	return write(s.c, ctx, func(v *view) (*computev1.DeleteKeyPairResponse, error) {
		if r, _, ok := keyPairs.find(v, req.GetId()); ok {
			v.remove(r.key)
		}
		return &computev1.DeleteKeyPairResponse{Id: req.GetId()}, nil
	})
}

// fingerprint is the MD5 of the key blob in colon-separated hex (RFC 4716,
// section 4), as clouds show it.
func fingerprint(publicKey string) (string, error) {
	parts := strings.Fields(publicKey)
	if len(parts) < 2 {
		return "", rejected("public_key")
	}
	blob, err := base64.StdEncoding.DecodeString(parts[1])
	if err != nil {
		return "", rejected("public_key")
	}
	hex := fmt.Sprintf("% x", md5.Sum(blob))
	return strings.ReplaceAll(hex, " ", ":"), nil
}
