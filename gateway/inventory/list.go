package inventory

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Query asks for a page of the cache.
type Query struct {
	Type         string
	AccountIDs   []string // never empty
	TenantIDs    []string // empty: all
	IDs          []string // empty: all
	Name         string
	NameContains string // in any case of the letters A to Z
	State        string
	OrderBy      string // "name desc,created_at"; empty: by id
	Page         int    // from 1
	PageSize     int
}

// Cached is one resource of the cache.
type Cached struct {
	ID         string
	AccountID  string
	Name       string
	State      string
	Body       []byte
	ObservedAt time.Time
}

// sortable are the columns that order_by may name.
var sortable = map[string]bool{"id": true, "name": true, "state": true, "created_at": true, "account_id": true}

// List reads a page of the cache and counts all that match.
func (i *Inventory) List(ctx context.Context, q Query) (items []Cached, total int, err error) {
	order, err := orderBy(q.OrderBy)
	if err != nil {
		return nil, 0, err
	}
	matching := func() *gorm.DB {
		tx := i.db.Read.WithContext(ctx).Model(&row{}).
			Where("type = ? AND gone_at IS NULL AND account_id IN ?", q.Type, q.AccountIDs)
		if len(q.TenantIDs) > 0 {
			tx = tx.Where("tenant_id IN ?", q.TenantIDs)
		}
		if len(q.IDs) > 0 {
			tx = tx.Where("id IN ?", q.IDs)
		}
		if q.Name != "" {
			tx = tx.Where("name = ?", q.Name)
		}
		if q.NameContains != "" {
			tx = tx.Where("LOWER(name) LIKE LOWER(?) ESCAPE '\\'", "%"+escapeLike(q.NameContains)+"%")
		}
		if q.State != "" {
			tx = tx.Where("state = ?", q.State)
		}
		return tx
	}
	offset := (q.Page - 1) * q.PageSize
	// One more than the page shows whether this is the last one: then nothing need be counted.
	rows, err := matching().Select("id, account_id, name, state, body, observed_at").Order(order).
		Offset(offset).Limit(q.PageSize + 1).Rows()
	if err == nil {
		items, err = scan(rows, q.PageSize+1)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("list %s of the inventory: %w", q.Type, err)
	}
	if 0 < len(items) && len(items) <= q.PageSize {
		return items, offset + len(items), nil
	}
	var count int64
	if err := matching().Count(&count).Error; err != nil {
		return nil, 0, fmt.Errorf("count %s in the inventory: %w", q.Type, err)
	}
	return items[:min(len(items), q.PageSize)], int(count), nil
}

// scan reads rows without the reflection that pages of hundreds would pay for.
func scan(rows *sql.Rows, most int) (items []Cached, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	items = make([]Cached, 0, most)
	for rows.Next() {
		var c Cached
		if err := rows.Scan(&c.ID, &c.AccountID, &c.Name, &c.State, &c.Body, &c.ObservedAt); err != nil {
			return nil, err
		}
		items = append(items, c)
	}
	return items, rows.Err()
}

// orderBy checks the caller's order and makes it total with the id.
func orderBy(text string) (string, error) {
	var terms []string
	for term := range strings.SplitSeq(text, ",") {
		column, direction, _ := strings.Cut(strings.TrimSpace(term), " ")
		direction = strings.ToLower(strings.TrimSpace(direction))
		if column == "" && text == "" {
			break
		}
		if !sortable[column] || direction != "" && direction != "asc" && direction != "desc" {
			return "", sdk.NewError(apiv1.Reason_REASON_VALIDATION_FAILED, sdk.Violation("order_by",
				"must list id, name, state, created_at or account_id, each with asc or desc"))
		}
		terms = append(terms, strings.TrimSpace(column+" "+direction))
	}
	return strings.Join(append(terms, "id"), ","), nil
}

var likeEscapes = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func escapeLike(text string) string { return likeEscapes.Replace(text) }
