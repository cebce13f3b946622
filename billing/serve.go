package billing

import (
	"context"
	"encoding/base64"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/metering"
	"github.com/yunqiao/yunqiao/internal/refuse"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// sees tells whether what is an organization's is the caller's to see. What is
// nobody's is seen by those who see everything.
func (m *Module) sees(ctx context.Context, organizationID string) bool {
	visible := m.access.Subtree(m.access.Caller(ctx).OrganizationID)
	return visible == nil || slices.Contains(visible, organizationID)
}

// organization is the one that a request names, or else the caller's.
func (m *Module) organization(ctx context.Context, named string) (string, error) {
	if named == "" {
		return m.access.Caller(ctx).OrganizationID, nil
	}
	if !m.sees(ctx, named) {
		return "", refuse.NotFound("organization_id", "organization")
	}
	return named, nil
}

// visible are the organizations that a request is about: the one that it names and
// those below, or else all that the caller sees; nil stands for all there are.
func (m *Module) visible(ctx context.Context, named string) ([]string, error) {
	if named == "" {
		return m.access.Subtree(m.access.Caller(ctx).OrganizationID), nil
	}
	if !m.sees(ctx, named) {
		return nil, refuse.NotFound("organization_id", "organization")
	}
	return m.access.Subtree(named), nil
}

// headquarters refuses callers who do not see everything: what concerns all
// organizations, and what moves money, is decided at the top.
func (m *Module) headquarters(ctx context.Context) error {
	if m.access.Subtree(m.access.Caller(ctx).OrganizationID) == nil {
		return nil
	}
	return refuse.With(apiv1.Reason_REASON_PERMISSION_DENIED, "permission", "this is decided in the root organization")
}

// seesResource refuses a resource of an organization that the caller does not see.
// One that billing has not heard of is for those who see everything.
func (m *Module) seesResource(ctx context.Context, tx *gorm.DB, resourceID string) error {
	owner, err := metering.Owner(tx, resourceID)
	if err == nil && !m.sees(ctx, owner) {
		err = refuse.NotFound("resource_id", "resource")
	}
	return err
}

func (m *Module) timeOr(t *timestamppb.Timestamp, otherwise time.Time) time.Time {
	if t == nil {
		return otherwise.UTC().Truncate(time.Second)
	}
	return t.AsTime().Truncate(time.Second)
}

func isNotFound(err error) bool { return status.Code(err) == codes.NotFound }

const defaultPage = 50

// paged reads a page of rows with ids, upwards or downwards.
func paged[R any](query *gorm.DB, token string, size int32, down bool, id func(*R) string) (rows []R, next string, err error) {
	if size == 0 {
		size = defaultPage
	}
	after, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, "", refuse.PageToken()
	}
	order, compare := "id", "id > ?"
	if down {
		order, compare = "id DESC", "id < ?"
	}
	if len(after) > 0 {
		query = query.Where(compare, string(after))
	}
	if err := query.Order(order).Limit(int(size) + 1).Find(&rows).Error; err != nil {
		return nil, "", err
	}
	if len(rows) > int(size) {
		rows = rows[:size]
		next = base64.RawURLEncoding.EncodeToString([]byte(id(&rows[size-1])))
	}
	return rows, next, nil
}

// parsed reads decimal texts of a request; the first that cannot be read refuses it.
type parsed struct{ err error }

func number[T any](p *parsed, field, text string, parse func(string) (T, error)) (value T) {
	if text == "" || p.err != nil {
		return value
	}
	value, err := parse(text)
	if err != nil {
		p.err = refuse.Invalid(field, err.Error())
	}
	return value
}
