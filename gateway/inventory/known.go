package inventory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"
)

// Known is what a comparison with the cloud needs of one resource.
type Known struct {
	ID         string
	Name       string
	State      string
	Spec       string
	Listed     string // digest of the resource in the last listing; "": none yet
	Sequence   int32
	ObservedAt time.Time
}

// Differs tells whether what a listing tells of the resource is a change.
func (k Known) Differs(name, state string, told Spec) bool {
	if name != "" && truncate(name, maxName) != k.Name || state != "" && state != k.State {
		return true
	}
	before, err := parseSpec(k.Spec)
	return err != nil || k.Spec != "" && before.with(told).String() != k.Spec
}

// Known reads all resources of a type in an account that are not gone.
func (i *Inventory) Known(ctx context.Context, accountID, resourceType string) (map[string]Known, error) {
	var list []Known
	err := i.db.Read.WithContext(ctx).Model(&row{}).
		Where("type = ? AND account_id = ? AND gone_at IS NULL", resourceType, accountID).
		Select("id, name, state, spec, listed, sequence, observed_at").Find(&list).Error
	if err != nil {
		return nil, fmt.Errorf("read the inventory of %s in %s: %w", resourceType, accountID, err)
	}
	known := make(map[string]Known, len(list))
	for _, k := range list {
		known[k.ID] = k
	}
	return known, nil
}

// Bodies reads the messages of all resources of a type in an account that are not
// gone, with native ids, by public id; empty where nothing but the id is known.
func (i *Inventory) Bodies(ctx context.Context, accountID, resourceType string) (map[string][]byte, error) {
	var list []row
	err := i.db.Read.WithContext(ctx).Where("type = ? AND account_id = ? AND gone_at IS NULL", resourceType, accountID).
		Select("id", "body").Find(&list).Error
	if err != nil {
		return nil, fmt.Errorf("read the messages of %s in %s: %w", resourceType, accountID, err)
	}
	bodies := make(map[string][]byte, len(list))
	for _, r := range list {
		bodies[r.ID] = r.Body
	}
	return bodies, nil
}

// Former reads the sequence of those of the resources that are gone.
func (i *Inventory) Former(ctx context.Context, ids []string) (map[string]int32, error) {
	var list []Known
	if err := i.db.Read.WithContext(ctx).Model(&row{}).Where("gone_at IS NOT NULL AND id IN ?", ids).Select("id, sequence").Find(&list).Error; err != nil {
		return nil, fmt.Errorf("read former resources: %w", err)
	}
	former := make(map[string]int32, len(list))
	for _, k := range list {
		former[k.ID] = k.Sequence
	}
	return former, nil
}

// RecordAll is Observe of many in one transaction of its own.
func (i *Inventory) RecordAll(ctx context.Context, observations []Observation) error {
	applies := make([]func(), 0, len(observations))
	err := i.db.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		for _, o := range observations {
			apply, err := i.Observe(tx, o)
			if err != nil {
				return err
			}
			applies = append(applies, apply)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, apply := range applies {
		apply()
	}
	return nil
}

// Listed records the digests of resources in a listing, by id, where nothing else
// of them has changed.
func (i *Inventory) Listed(ctx context.Context, digests map[string]string) error {
	if len(digests) == 0 {
		return nil
	}
	return i.db.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		for _, id := range slices.Sorted(maps.Keys(digests)) {
			if err := tx.Model(&row{}).Where("id = ?", id).UpdateColumn("listed", digests[id]).Error; err != nil {
				return fmt.Errorf("record the listing of %s: %w", id, err)
			}
		}
		return nil
	})
}
