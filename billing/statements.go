package billing

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/billing/ledger"
	"github.com/yunqiao/yunqiao/billing/pricing"
	"github.com/yunqiao/yunqiao/billing/statement"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/money"
	"github.com/yunqiao/yunqiao/internal/refuse"
	"github.com/yunqiao/yunqiao/internal/rowid"
	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

// statementRow is a statement as it was written when its month was closed.
type statementRow struct {
	ID             string `gorm:"primaryKey;size:32"`
	Number         string `gorm:"size:64;not null;uniqueIndex"`
	Period         string `gorm:"size:7;not null;index"`
	Version        int32  `gorm:"not null"` // of the period
	OrganizationID string `gorm:"size:64;not null"`
	Currency       string `gorm:"size:3;not null"`
	Rows           string `gorm:"not null"` // JSON
	Exact          int64  `gorm:"not null"`
	Net            int64  `gorm:"not null"`
	Tax            int64  `gorm:"not null"`
	Total          int64  `gorm:"not null"`
	Unpriced       int64  `gorm:"not null"`
	ClosedAt       time.Time
	// As they were called then; "" of statements that were written before names were kept.
	OrganizationName string `gorm:"not null;default:''"`
	Issuer           string `gorm:"not null;default:''"`
}

// addNames adds the columns of names to statements without them.
func addNames(tx *gorm.DB) error {
	return db.AddColumns(tx, &statementRow{}, "OrganizationName", "Issuer")
}

// TableName implements gorm's Tabler.
func (statementRow) TableName() string { return "billing_statements" }

// draft is a statement that is not written yet.
type draft struct {
	organizationID, currency string
	statement.Statement
}

// drafts makes the statements of a month from its lines, by organization and
// currency.
func drafts(tx *gorm.DB, period string, organizations []string) ([]draft, error) {
	books, err := pricing.Books(tx)
	if err != nil {
		return nil, err
	}
	f := ledger.Filter{Period: period, Organizations: organizations}
	groups, err := ledger.Summarize(tx, f, []string{"organization_id", "category", "resource_type", "meter", "book"}, nil)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(groups, func(a, b ledger.Group) int {
		return strings.Compare(a.Keys[0]+"\x00"+a.Currency, b.Keys[0]+"\x00"+b.Currency)
	})
	var out []draft
	for start := 0; start < len(groups); {
		end := start
		var sums []statement.Sum
		for end < len(groups) && groups[end].Keys[0] == groups[start].Keys[0] && groups[end].Currency == groups[start].Currency {
			g := groups[end]
			sums = append(sums, statement.Sum{
				Kind: strings.ToUpper(g.Keys[1]), ResourceType: g.Keys[2], Meter: g.Keys[3], Book: g.Keys[4], Exact: money.Amount(g.Cost), Lines: g.Lines, Unpriced: g.Unpriced,
			})
			end++
		}
		made, err := statement.Make(sums, func(book string) statement.Rules { return rulesOf(books, book) })
		if err != nil {
			return nil, err
		}
		out = append(out, draft{groups[start].Keys[0], groups[start].Currency, made})
		start = end
	}
	return out, nil
}

// rulesOf are the rules of a book; lines of no book follow the default one.
func rulesOf(books map[string]pricing.Book, name string) statement.Rules {
	b, ok := books[name]
	if !ok {
		b = books[pricing.DefaultBook]
	}
	return statement.Rules{TaxInclusive: b.TaxInclusive, TaxPoints: b.TaxPoints, Rounding: money.Mode(b.Rounding), Digits: int(b.Digits)}
}

// writeStatements writes the statements of a month that is being closed.
func (m *Module) writeStatements(tx *gorm.DB, period string, version int32) (int, error) {
	made, err := drafts(tx, period, nil)
	if err != nil {
		return 0, err
	}
	for n, d := range made {
		rows, err := json.Marshal(d.Rows)
		if err != nil {
			return 0, err
		}
		r := statementRow{
			ID: rowid.New(), Number: fmt.Sprintf("YQ-%s-%05d-%d", strings.ReplaceAll(period, "-", ""), n+1, version), Period: period, Version: version,
			OrganizationID: d.organizationID, Currency: d.currency, Rows: string(rows), Exact: int64(d.Exact), Net: int64(d.Net), Tax: int64(d.Tax),
			Total: int64(d.Total), Unpriced: d.Unpriced, ClosedAt: m.now().UTC(), OrganizationName: m.access.Name(d.organizationID), Issuer: m.issuer,
		}
		if err := tx.Create(&r).Error; err != nil {
			return 0, fmt.Errorf("write a statement: %w", err)
		}
		err = m.tell(tx, event{kind: "BillIssued", objectID: r.ID, objectType: "billing.statement", organizationID: r.OrganizationID, payload: map[string]any{
			"object_id": r.ID, "version": version, "total": map[string]string{"amount": d.Total.String(), "currency": d.currency}, "row_count": len(d.Rows)}})
		if err != nil {
			return 0, err
		}
	}
	return len(made), nil
}

func toProtoStatement(d statement.Statement) *billingv1.Statement {
	out := &billingv1.Statement{
		Exact: d.Exact.String(), Net: d.Net.Fixed(2), Tax: d.Tax.Fixed(2), Total: d.Total.Fixed(2), UnpricedLines: int32(d.Unpriced),
	}
	for _, r := range d.Rows {
		out.Rows = append(out.Rows, &billingv1.StatementLine{
			Kind: r.Kind, ResourceType: r.ResourceType, Meter: r.Meter, Book: r.Book, Exact: r.Exact.String(), Amount: r.Amount.Fixed(2), Lines: int32(r.Lines),
		})
	}
	return out
}

func (r *statementRow) toProto() (*billingv1.Statement, error) {
	d := statement.Statement{Exact: money.Amount(r.Exact), Net: money.Amount(r.Net), Tax: money.Amount(r.Tax), Total: money.Amount(r.Total), Unpriced: r.Unpriced}
	if err := json.Unmarshal([]byte(r.Rows), &d.Rows); err != nil {
		return nil, fmt.Errorf("stored statement %s: %w", r.Number, err)
	}
	out := toProtoStatement(d)
	out.Id, out.Number, out.Period, out.Version, out.OrganizationId, out.Currency = r.ID, r.Number, r.Period, r.Version, r.OrganizationID, r.Currency
	out.ClosedAt, out.OrganizationName = timestamppb.New(r.ClosedAt), r.OrganizationName
	return out, nil
}

type statementServer struct {
	billingv1.UnimplementedStatementServiceServer
	*Module
}

// ListStatements implements StatementService.
func (s *statementServer) ListStatements(ctx context.Context, request *billingv1.ListStatementsRequest) (*billingv1.ListStatementsResponse, error) {
	visible, err := s.visible(ctx, request.GetOrganizationId())
	if err != nil {
		return nil, err
	}
	response := &billingv1.ListStatementsResponse{}
	err = ledger.Snapshot(ctx, s.store, func(tx *gorm.DB) error {
		current, err := ledger.Current(tx, request.GetPeriod())
		if err != nil {
			return err
		}
		if current.State != ledger.Closed {
			made, err := drafts(tx, request.GetPeriod(), visible)
			for _, d := range made {
				p := toProtoStatement(d.Statement)
				p.Period, p.OrganizationId, p.Currency = request.GetPeriod(), d.organizationID, d.currency
				p.OrganizationName = s.access.Name(d.organizationID)
				response.Statements = append(response.Statements, p)
			}
			return err
		}
		query := tx.Where("period = ? AND version = ?", current.Period, current.Version)
		if visible != nil {
			query = query.Where("organization_id IN ?", visible)
		}
		var rows []statementRow
		if err := query.Order("number").Find(&rows).Error; err != nil {
			return err
		}
		for n := range rows {
			p, err := rows[n].toProto()
			if err != nil {
				return err
			}
			response.Statements = append(response.Statements, p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return response, nil
}

// GetStatement implements StatementService.
func (s *statementServer) GetStatement(ctx context.Context, request *billingv1.GetStatementRequest) (*billingv1.GetStatementResponse, error) {
	r, err := s.statement(ctx, request.GetId())
	if err != nil {
		return nil, err
	}
	p, err := r.toProto()
	if err != nil {
		return nil, err
	}
	return &billingv1.GetStatementResponse{Statement: p}, nil
}

// statement is one that the caller may see.
func (m *Module) statement(ctx context.Context, id string) (r statementRow, err error) {
	if err := m.read(ctx).Where("id = ?", id).Limit(1).Find(&r).Error; err != nil {
		return r, err
	}
	if r.ID == "" || !m.sees(ctx, r.OrganizationID) {
		return r, refuse.NotFound("id", "statement")
	}
	return r, nil
}
