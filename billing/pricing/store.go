package pricing

import (
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/money"
)

// priceRow is one version of a price. Times are Unix seconds, 0 is none.
type priceRow struct {
	ID             string `gorm:"primaryKey;size:32"`
	Version        int32  `gorm:"primaryKey;autoIncrement:false"`
	Name           string `gorm:"size:200;not null"`
	Book           string `gorm:"size:64;not null"`
	OrganizationID string `gorm:"size:64;not null"`
	AccountID      string `gorm:"size:32;not null"`
	Driver         string `gorm:"size:64;not null"`
	Region         string `gorm:"size:64;not null"`
	ResourceType   string `gorm:"size:64;not null"`
	Match          string `gorm:"not null"` // JSON
	States         string `gorm:"not null"` // JSON
	Meter          string `gorm:"size:64;not null"`
	Per            int64  `gorm:"not null"` // 10⁻⁴
	Unit           string `gorm:"size:8;not null"`
	StepSeconds    int64  `gorm:"not null"`
	Charge         string `gorm:"size:8;not null"`
	Model          string `gorm:"size:16;not null"`
	Price          int64  `gorm:"not null"` // 10⁻¹⁰
	Tiers          string `gorm:"not null"` // JSON
	Pooled         bool   `gorm:"not null"`
	Currency       string `gorm:"size:3;not null"`
	Effective      int64  `gorm:"not null"`
	Ended          bool   `gorm:"not null"`
	CreatedAt      int64  `gorm:"not null;autoCreateTime:false"`
	CreatedBy      string `gorm:"size:64;not null"`
	TermMonths     int32  `gorm:"not null;default:0"`
}

// TableName implements gorm's Tabler.
func (priceRow) TableName() string { return "billing_prices" }

// discountRow is a discount; EndedAt is the only thing that is ever written later.
type discountRow struct {
	ID             string `gorm:"primaryKey;size:32"`
	Name           string `gorm:"size:200;not null"`
	OrganizationID string `gorm:"size:64;not null"`
	ResourceType   string `gorm:"size:64;not null"`
	AccountID      string `gorm:"size:32;not null"`
	Contract       string `gorm:"size:128;not null"`
	BasisPoints    int32  `gorm:"not null"`
	From           int64  `gorm:"column:valid_from;not null"`
	To             int64  `gorm:"column:valid_until;not null"`
	EndedAt        int64  `gorm:"not null"`
	Amount         int64  `gorm:"not null;default:0"` // 10⁻⁸
	Currency       string `gorm:"size:3;not null;default:''"`
}

// AddAmounts adds the columns of discounts of an amount to a table without them.
func AddAmounts(tx *gorm.DB) error { return db.AddColumns(tx, &discountRow{}, "Amount", "Currency") }

// AddTerms adds the column of terms to a table of prices without it.
func AddTerms(tx *gorm.DB) error { return db.AddColumns(tx, &priceRow{}, "TermMonths") }

// TableName implements gorm's Tabler.
func (discountRow) TableName() string { return "billing_discounts" }

// Book is the newest version of a book's rules.
type Book struct {
	Name         string `gorm:"primaryKey;size:64"`
	Version      int32  `gorm:"primaryKey;autoIncrement:false"`
	TaxInclusive bool   `gorm:"not null"`
	TaxPoints    int32  `gorm:"not null"` // basis points
	Rounding     string `gorm:"size:16;not null"`
	Digits       int32  `gorm:"not null"`
}

// TableName implements gorm's Tabler.
func (Book) TableName() string { return "billing_books" }

// DefaultBook is the name of the book that is there from the start.
const DefaultBook = "default"

// Tables makes the tables and the default book: prices hold 6 % tax.
func Tables(tx *gorm.DB) error {
	if err := tx.Migrator().CreateTable(&priceRow{}, &discountRow{}, &Book{}); err != nil {
		return err
	}
	return tx.Create(&Book{Name: DefaultBook, Version: 1, TaxInclusive: true, TaxPoints: 600, Rounding: string(money.HalfUp), Digits: 2}).Error
}

func unix(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.Unix()
}

func fromUnix(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return time.Unix(at, 0).UTC()
}

func (p *Price) row() (priceRow, error) {
	var texts [3]string
	for n, value := range []any{p.Match, p.States, p.Tiers} {
		text, err := json.Marshal(value)
		if err != nil {
			return priceRow{}, fmt.Errorf("price %s: %w", p.ID, err)
		}
		texts[n] = string(text)
	}
	return priceRow{
		ID: p.ID, Version: p.Version, Name: p.Name, Book: p.Book, OrganizationID: p.OrganizationID, AccountID: p.AccountID, Driver: p.Driver,
		Region: p.Region, ResourceType: p.ResourceType, Match: texts[0], States: texts[1], Meter: p.Meter, Per: int64(p.Per), Unit: string(p.Unit),
		StepSeconds: int64(p.Step / time.Second), Charge: string(p.Charge), Model: string(p.Model), Price: int64(p.Price), Tiers: texts[2],
		Pooled: p.Pooled, Currency: p.Currency, Effective: unix(p.Effective), Ended: p.Ended, CreatedAt: unix(p.CreatedAt), CreatedBy: p.CreatedBy,
		TermMonths: p.Term,
	}, nil
}

func (r *priceRow) price() (Price, error) {
	p := Price{
		ID: r.ID, Version: r.Version, Name: r.Name, Book: r.Book, OrganizationID: r.OrganizationID, AccountID: r.AccountID, Driver: r.Driver,
		Region: r.Region, ResourceType: r.ResourceType, Meter: r.Meter, Per: money.Quantity(r.Per), Unit: Unit(r.Unit),
		Step: time.Duration(r.StepSeconds) * time.Second, Charge: Charge(r.Charge), Model: Model(r.Model), Price: money.Price(r.Price),
		Pooled: r.Pooled, Currency: r.Currency, Effective: fromUnix(r.Effective), Ended: r.Ended, CreatedAt: fromUnix(r.CreatedAt), CreatedBy: r.CreatedBy,
		Term: r.TermMonths,
	}
	for _, part := range []struct {
		text string
		into any
	}{{r.Match, &p.Match}, {r.States, &p.States}, {r.Tiers, &p.Tiers}} {
		if err := json.Unmarshal([]byte(part.text), part.into); err != nil {
			return p, fmt.Errorf("stored price %s: %w", r.ID, err)
		}
	}
	return p, nil
}

// Insert adds a version.
func Insert(tx *gorm.DB, p *Price) error {
	r, err := p.row()
	if err != nil {
		return err
	}
	return tx.Create(&r).Error
}

// All reads every version of every price, by id and version.
func All(tx *gorm.DB) ([]Price, error) {
	var rows []priceRow
	if err := tx.Order("id, version").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read prices: %w", err)
	}
	out := make([]Price, 0, len(rows))
	for n := range rows {
		p, err := rows[n].price()
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// InsertDiscount adds a discount.
func InsertDiscount(tx *gorm.DB, d *Discount) error {
	return tx.Create(&discountRow{
		ID: d.ID, Name: d.Name, OrganizationID: d.OrganizationID, ResourceType: d.ResourceType, AccountID: d.AccountID, Contract: d.Contract,
		BasisPoints: d.BasisPoints, From: unix(d.From), To: unix(d.To), Amount: int64(d.Amount), Currency: d.Currency,
	}).Error
}

// EndDiscount ends a discount, once.
func EndDiscount(tx *gorm.DB, id string, at time.Time) error {
	return tx.Model(&discountRow{}).Where("id = ? AND ended_at = 0", id).Update("ended_at", at.Unix()).Error
}

// Discounts reads all discounts, by id.
func Discounts(tx *gorm.DB) ([]Discount, error) {
	var rows []discountRow
	if err := tx.Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read discounts: %w", err)
	}
	out := make([]Discount, len(rows))
	for n, r := range rows {
		out[n] = Discount{
			ID: r.ID, Name: r.Name, OrganizationID: r.OrganizationID, ResourceType: r.ResourceType, AccountID: r.AccountID, Contract: r.Contract,
			BasisPoints: r.BasisPoints, From: fromUnix(r.From), To: fromUnix(r.To), EndedAt: fromUnix(r.EndedAt),
			Amount: money.Amount(r.Amount), Currency: r.Currency,
		}
	}
	return out, nil
}

// Load makes the catalogue of all prices and discounts.
func Load(tx *gorm.DB) (*Catalogue, error) {
	prices, err := All(tx)
	if err != nil {
		return nil, err
	}
	discounts, err := Discounts(tx)
	if err != nil {
		return nil, err
	}
	return NewCatalogue(prices, discounts), nil
}

// InsertBook adds a version of a book's rules.
func InsertBook(tx *gorm.DB, b *Book) error { return tx.Create(b).Error }

// Books reads the newest version of all books, by name.
func Books(tx *gorm.DB) (map[string]Book, error) {
	var rows []Book
	if err := tx.Order("name, version").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read price books: %w", err)
	}
	out := map[string]Book{}
	for _, b := range rows {
		out[b.Name] = b
	}
	return out, nil
}
