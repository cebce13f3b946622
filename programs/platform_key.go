package programs

import (
	"context"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/rowid"
	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// platformKeys are our own keys: partners verify what we send with them.
type platformKeys struct{ signing, next, former *credentialRow }

// add takes one key; they come newest first. Stores from before there was a next key
// may hold several that signed.
func (k *platformKeys) add(c credentialRow) {
	switch {
	case c.Kind == credentialSigning && k.signing == nil:
		k.signing = &c
	case c.Kind == credentialNext && k.next == nil:
		k.next = &c
	case c.Kind != credentialNext && k.former == nil:
		k.former = &c
	}
}

// shown are those that a partner keeps, of which there are at most two.
func (k *platformKeys) shown() []*programv1.PartnerKey {
	var out []*programv1.PartnerKey
	show := func(c *credentialRow, use programv1.KeyUse) {
		if c != nil && len(out) < maxCredentials {
			key := toProtoKey(*c)
			key.Use = use
			out = append(out, key)
		}
	}
	show(k.signing, programv1.KeyUse_KEY_USE_SIGNING)
	show(k.next, programv1.KeyUse_KEY_USE_NEXT)
	show(k.former, programv1.KeyUse_KEY_USE_FORMER)
	return out
}

// readPlatformKeys reads our keys under the write lock.
func readPlatformKeys(tx *gorm.DB) (k platformKeys, err error) {
	var rows []credentialRow
	if err := tx.Where("group_id = ?", "").Order("id DESC").Find(&rows).Error; err != nil {
		return k, err
	}
	for _, c := range rows {
		k.add(c)
	}
	return k, nil
}

// only removes our keys but for some.
func only(tx *gorm.DB, keep ...*credentialRow) error {
	var ids []string
	for _, c := range keep {
		ids = append(ids, c.ID)
	}
	return tx.Where("group_id = ? AND id NOT IN ?", "", ids).Delete(&credentialRow{}).Error
}

// newPlatformKey makes a key of ours.
func (m *Module) newPlatformKey(kind string) (*credentialRow, error) {
	key, err := gyt345.GenerateKey()
	if err != nil {
		return nil, err
	}
	row := &credentialRow{ID: rowid.New(), Kind: kind, Public: key.Public().Hex(), CreatedAt: m.opts.Now()}
	row.Sealed = m.box.Seal([]byte(key.Hex()), sealLabel(*row))
	return row, nil
}

// changePlatformKeys changes our keys, which count at once here.
func (m *Module) changePlatformKeys(ctx context.Context, do func(tx *gorm.DB, k platformKeys) error) error {
	err := m.change(ctx, func(tx *gorm.DB) error {
		k, err := readPlatformKeys(tx)
		if err != nil {
			return err
		}
		return do(tx, k)
	})
	m.partners.forget()
	return err
}

// firstPlatformKey makes the key that signs, unless another replica has.
func (m *Module) firstPlatformKey(ctx context.Context) error {
	row, err := m.newPlatformKey(credentialSigning)
	if err != nil {
		return err
	}
	return m.changePlatformKeys(ctx, func(tx *gorm.DB, k platformKeys) error {
		if k.signing != nil {
			return nil
		}
		return tx.Create(row).Error
	})
}

// GetPlatformKey implements PartnerService.
func (s *partnerServer) GetPlatformKey(ctx context.Context, _ *programv1.GetPlatformKeyRequest) (*programv1.GetPlatformKeyResponse, error) {
	keys, err := s.platformKeys(ctx)
	return &programv1.GetPlatformKeyResponse{PublicKeys: keys}, err
}

// RotatePlatformKey implements PartnerService.
func (s *partnerServer) RotatePlatformKey(ctx context.Context, _ *programv1.RotatePlatformKeyRequest) (*programv1.RotatePlatformKeyResponse, error) {
	if err := s.ownKeys(); err != nil {
		return nil, err
	}
	next, err := s.newPlatformKey(credentialNext)
	if err != nil {
		return nil, err
	}
	err = s.changePlatformKeys(ctx, func(tx *gorm.DB, k platformKeys) error {
		if k.next != nil {
			return wrongState("platform_key", "there is a next key already; give it to all partners and activate it")
		}
		if err := only(tx, k.signing); err != nil {
			return err
		}
		return tx.Create(next).Error
	})
	if err != nil {
		return nil, err
	}
	keys, err := s.platformKeys(ctx)
	return &programv1.RotatePlatformKeyResponse{PublicKeys: keys}, err
}

// ActivatePlatformKey implements PartnerService.
func (s *partnerServer) ActivatePlatformKey(ctx context.Context, _ *programv1.ActivatePlatformKeyRequest) (*programv1.ActivatePlatformKeyResponse, error) {
	if err := s.ownKeys(); err != nil {
		return nil, err
	}
	err := s.changePlatformKeys(ctx, func(tx *gorm.DB, k platformKeys) error {
		if k.next == nil {
			return wrongState("platform_key", "there is no next key; rotate first")
		}
		if err := only(tx, k.signing, k.next); err != nil {
			return err
		}
		for row, kind := range map[*credentialRow]string{k.signing: credentialFormer, k.next: credentialSigning} {
			if err := tx.Model(row).Update("kind", kind).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	keys, err := s.platformKeys(ctx)
	return &programv1.ActivatePlatformKeyResponse{PublicKeys: keys}, err
}

// ownKeys refuses where our key is none that we keep.
func (s *partnerServer) ownKeys() error {
	if s.opts.Signer != nil {
		return wrongState("platform_key", "the key is in a cryptographic device")
	}
	return nil
}

func (s *partnerServer) platformKeys(ctx context.Context) ([]*programv1.PartnerKey, error) {
	if s.opts.Signer != nil {
		public := s.opts.Signer.Public()
		return []*programv1.PartnerKey{{PublicKey: public.Hex(), Fingerprint: public.Fingerprint(), Use: programv1.KeyUse_KEY_USE_SIGNING}}, nil
	}
	now, err := s.partners.load(ctx)
	if err != nil {
		return nil, err
	}
	return now.own.shown(), nil
}
