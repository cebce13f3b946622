package programs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/rowid"
	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

type partnerServer struct {
	programv1.UnimplementedPartnerServiceServer
	*Module
}

var _ programv1.PartnerServiceServer = (*partnerServer)(nil)

// errNotThere leaves a transaction that found no partner.
var errNotThere = errors.New("there is no such partner")

// CreatePartner implements PartnerService.
func (s *partnerServer) CreatePartner(ctx context.Context, request *programv1.CreatePartnerRequest) (*programv1.CreatePartnerResponse, error) {
	now := s.opts.Now()
	row := partnerRow{GroupID: request.GetGroupId(), State: partnerActive, CreatedAt: now, UpdatedAt: now}
	public, err := s.publicKey(row.GroupID, request.GetPublicKey())
	if err != nil {
		return nil, err
	}
	err = applyPartner(&row, partnerChange{
		name: &request.Name, parts: &request.SignatureParts, strict: &request.StrictSignatures, window: &request.WindowSeconds,
		maxBody: &request.MaxBodyBytes, perSecond: &request.MessagesPerSecond, seriesURL: &request.SeriesOfflineUrl,
		programURL: &request.ProgramOfflineUrl, networks: &programv1.AllowedNetworks{Values: request.GetAllowedNetworks()},
		variant: request.GetSigningVariant(), paths: request.GetPublishedPaths(),
	})
	if err != nil {
		return nil, err
	}
	secret, sealed := s.newSecret(row.GroupID)
	err = s.change(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return tx.Create([]*credentialRow{public, sealed}).Error
	})
	if db.IsDuplicate(err) {
		return nil, exists("group_id")
	}
	if err != nil {
		return nil, err
	}
	s.partners.forget()
	partner, err := s.partner(ctx, row.GroupID)
	return &programv1.CreatePartnerResponse{Id: row.GroupID, Partner: partner, GroupSecret: secret}, err
}

func (s *partnerServer) publicKey(groupID, text string) (*credentialRow, error) {
	key, err := gyt345.ParsePublicKey(text)
	if err != nil {
		return nil, invalid("public_key", err.Error())
	}
	valid, err := gyt345.ValidityOf(text)
	if err == nil && !valid.Until.IsZero() && s.opts.Now().After(valid.Until) {
		err = fmt.Errorf("the certificate has ended at %s", valid.Until.Format(time.RFC3339))
	}
	if err != nil {
		return nil, invalid("public_key", err.Error())
	}
	return &credentialRow{
		ID: rowid.New(), GroupID: groupID, Kind: credentialPublic, Public: key.Hex(), Text: text, CreatedAt: s.opts.Now(),
	}, nil
}

func (s *partnerServer) newSecret(groupID string) (string, *credentialRow) {
	secret := gyt345.NewSecret()
	row := &credentialRow{ID: rowid.New(), GroupID: groupID, Kind: credentialSecret, CreatedAt: s.opts.Now()}
	row.Sealed = s.box.Seal([]byte(secret), sealLabel(*row))
	return secret, row
}

// partnerChange is what an update sets; nil: unchanged.
type partnerChange struct {
	name, seriesURL, programURL *string
	parts                       *programv1.SignatureParts
	strict                      *bool
	window, maxBody, perSecond  *int32
	networks                    *programv1.AllowedNetworks
	variant                     *programv1.SigningVariant
	paths                       *programv1.PublishedPaths
}

func applyPartner(row *partnerRow, c partnerChange) error {
	set(&row.Name, c.name)
	set(&row.SeriesURL, c.seriesURL)
	set(&row.ProgramURL, c.programURL)
	set(&row.Strict, c.strict)
	set(&row.WindowSec, c.window)
	set(&row.MaxBody, c.maxBody)
	set(&row.PerSecond, c.perSecond)
	if c.parts != nil {
		row.Parts = string(fromProtoParts(*c.parts))
	}
	if row.WindowSec != 0 && row.WindowSec < 60 {
		return invalid("window_seconds", "must be 60 to 900, or 0 for 300")
	}
	if c.networks != nil {
		for _, text := range c.networks.GetValues() {
			if _, err := parsePrefix(text); err != nil {
				return invalid("allowed_networks", "must be addresses or networks such as 192.0.2.0/24")
			}
		}
		row.AllowedIPs = strings.Join(c.networks.GetValues(), ",")
	}
	return errors.Join(row.setVariant(c.variant), row.setPaths(c.paths))
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// GetPartner implements PartnerService.
func (s *partnerServer) GetPartner(ctx context.Context, request *programv1.GetPartnerRequest) (*programv1.GetPartnerResponse, error) {
	partner, err := s.partner(ctx, request.GetId())
	return &programv1.GetPartnerResponse{Partner: partner}, err
}

func (s *partnerServer) partner(ctx context.Context, groupID string) (*programv1.Partner, error) {
	tx := s.store.Write.WithContext(ctx)
	var row partnerRow
	found := tx.Where("group_id = ?", groupID).Limit(1).Find(&row)
	if found.Error != nil {
		return nil, found.Error
	}
	if found.RowsAffected == 0 {
		return nil, notFound("id")
	}
	return s.describe(tx, row)
}

func (s *partnerServer) describe(tx *gorm.DB, row partnerRow) (*programv1.Partner, error) {
	credentials, err := s.partners.credentials(tx, row.GroupID)
	if err != nil {
		return nil, err
	}
	var leniencies []leniencyRow
	if err := tx.Where("group_id = ?", row.GroupID).Order("note").Find(&leniencies).Error; err != nil {
		return nil, err
	}
	return toProtoPartner(row, credentials, leniencies), nil
}

// ListPartners implements PartnerService.
func (s *partnerServer) ListPartners(ctx context.Context, _ *programv1.ListPartnersRequest) (*programv1.ListPartnersResponse, error) {
	list, err := s.partners.list(ctx)
	if err != nil {
		return nil, err
	}
	response := &programv1.ListPartnersResponse{}
	for _, p := range list {
		partner, err := s.describe(s.store.Read.WithContext(ctx), p.row)
		if err != nil {
			return nil, err
		}
		response.Partners = append(response.Partners, partner)
	}
	return response, nil
}

// UpdatePartner implements PartnerService.
func (s *partnerServer) UpdatePartner(ctx context.Context, request *programv1.UpdatePartnerRequest) (*programv1.UpdatePartnerResponse, error) {
	partner, err := s.edit(ctx, request.GetId(), func(_ *gorm.DB, row *partnerRow) error {
		return applyPartner(row, partnerChange{
			name: request.Name, parts: request.SignatureParts, strict: request.StrictSignatures, window: request.WindowSeconds,
			maxBody: request.MaxBodyBytes, perSecond: request.MessagesPerSecond, seriesURL: request.SeriesOfflineUrl,
			programURL: request.ProgramOfflineUrl, networks: request.AllowedNetworks, variant: request.GetSigningVariant(), paths: request.GetPublishedPaths(),
		})
	})
	return &programv1.UpdatePartnerResponse{Partner: partner}, err
}

// edit changes a partner in a transaction of its own and shows what it has become.
func (s *partnerServer) edit(ctx context.Context, groupID string, do func(tx *gorm.DB, row *partnerRow) error) (*programv1.Partner, error) {
	err := s.change(ctx, func(tx *gorm.DB) error {
		var row partnerRow
		found := tx.Where("group_id = ?", groupID).Limit(1).Find(&row)
		if found.Error != nil {
			return found.Error
		}
		if found.RowsAffected == 0 {
			return errNotThere
		}
		if err := do(tx, &row); err != nil {
			return err
		}
		row.UpdatedAt = s.opts.Now()
		return tx.Save(&row).Error
	})
	s.partners.forget()
	if errors.Is(err, errNotThere) {
		return nil, notFound("id")
	}
	if err != nil {
		return nil, err
	}
	return s.partner(ctx, groupID)
}

// AddPartnerKey implements PartnerService.
func (s *partnerServer) AddPartnerKey(ctx context.Context, request *programv1.AddPartnerKeyRequest) (*programv1.AddPartnerKeyResponse, error) {
	key, err := s.publicKey(request.GetId(), request.GetPublicKey())
	if err != nil {
		return nil, err
	}
	partner, err := s.edit(ctx, request.GetId(), func(tx *gorm.DB, _ *partnerRow) error { return s.addCredential(tx, key) })
	return &programv1.AddPartnerKeyResponse{Partner: partner}, err
}

func (s *partnerServer) addCredential(tx *gorm.DB, row *credentialRow) error {
	var active int64
	if err := tx.Model(&credentialRow{}).Where("group_id = ? AND kind = ?", row.GroupID, row.Kind).Count(&active).Error; err != nil {
		return err
	}
	if active >= maxCredentials {
		return wrongState("id", "two are active; remove one first")
	}
	return tx.Create(row).Error
}

func (s *partnerServer) removeCredential(ctx context.Context, groupID, kind, id string) (*programv1.Partner, error) {
	return s.edit(ctx, groupID, func(tx *gorm.DB, _ *partnerRow) error {
		return tx.Where("group_id = ? AND kind = ? AND id = ?", groupID, kind, id).Delete(&credentialRow{}).Error
	})
}

// RemovePartnerKey implements PartnerService.
func (s *partnerServer) RemovePartnerKey(ctx context.Context, request *programv1.RemovePartnerKeyRequest) (*programv1.RemovePartnerKeyResponse, error) {
	partner, err := s.removeCredential(ctx, request.GetId(), credentialPublic, request.GetKeyId())
	return &programv1.RemovePartnerKeyResponse{Partner: partner}, err
}

// AddPartnerSecret implements PartnerService.
func (s *partnerServer) AddPartnerSecret(ctx context.Context, request *programv1.AddPartnerSecretRequest) (*programv1.AddPartnerSecretResponse, error) {
	secret, row := s.newSecret(request.GetId())
	partner, err := s.edit(ctx, request.GetId(), func(tx *gorm.DB, _ *partnerRow) error { return s.addCredential(tx, row) })
	if err != nil {
		return nil, err
	}
	return &programv1.AddPartnerSecretResponse{Partner: partner, GroupSecret: secret}, nil
}

// RemovePartnerSecret implements PartnerService.
func (s *partnerServer) RemovePartnerSecret(ctx context.Context, request *programv1.RemovePartnerSecretRequest) (*programv1.RemovePartnerSecretResponse, error) {
	partner, err := s.removeCredential(ctx, request.GetId(), credentialSecret, request.GetSecretId())
	return &programv1.RemovePartnerSecretResponse{Partner: partner}, err
}

// SuspendPartner implements PartnerService.
func (s *partnerServer) SuspendPartner(ctx context.Context, request *programv1.SuspendPartnerRequest) (*programv1.SuspendPartnerResponse, error) {
	partner, err := s.edit(ctx, request.GetId(), func(_ *gorm.DB, row *partnerRow) error {
		if row.State == partnerExited {
			return wrongState("id", "the partner has left")
		}
		row.State = partnerSuspended
		return nil
	})
	return &programv1.SuspendPartnerResponse{Partner: partner}, err
}

// ResumePartner implements PartnerService.
func (s *partnerServer) ResumePartner(ctx context.Context, request *programv1.ResumePartnerRequest) (*programv1.ResumePartnerResponse, error) {
	partner, err := s.edit(ctx, request.GetId(), func(_ *gorm.DB, row *partnerRow) error {
		row.State = partnerActive
		return nil
	})
	return &programv1.ResumePartnerResponse{Partner: partner}, err
}

// ExitPartner implements PartnerService.
func (s *partnerServer) ExitPartner(ctx context.Context, request *programv1.ExitPartnerRequest) (*programv1.ExitPartnerResponse, error) {
	partner, err := s.edit(ctx, request.GetId(), func(tx *gorm.DB, row *partnerRow) error {
		row.State = partnerExited
		return withdraw(tx, row.GroupID, newState(s.opts.Now()))
	})
	return &programv1.ExitPartnerResponse{Partner: partner}, err
}

// withdraw takes everything of a partner off.
func withdraw(tx *gorm.DB, groupID string, s *state) error {
	var rows []*recordRow
	if err := tx.Where("group_id = ? AND withdrawn = ?", groupID, false).Find(&rows).Error; err != nil {
		return err
	}
	for _, r := range rows {
		s.records[r.ID] = r
		r.Withdrawn, r.Online, r.OnlineSince = true, false, nil
		s.touch(r, change{cause: causeExit})
	}
	return s.save(tx)
}
