package rating

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"time"

	"github.com/yunqiao/yunqiao/internal/money"
)

// Category is what a line is, in the words of FOCUS.
type Category string

// The categories.
const (
	Usage      Category = "Usage"
	Purchase   Category = "Purchase"
	Credit     Category = "Credit"
	Adjustment Category = "Adjustment"
)

// Correction is the class of lines that correct a period that was closed.
const Correction = "Correction"

// Reasons of lines that cost nothing although something was used.
const (
	Unpriced   = "UNPRICED"    // no price is in force
	NoQuantity = "NO_QUANTITY" // the cloud does not tell what the price counts
	Covered    = "COVERED"     // paid in advance by an order
)

// Line is the cost of one meter of one resource over one piece of time. What it
// says is never changed.
type Line struct {
	Category       Category
	ResourceID     string
	ResourceType   string
	AccountID      string
	Driver         string
	Region         string
	OrganizationID string
	Attribution
	From, To     time.Time // half open, whole seconds
	State        string
	Spec         string // JSON, keys sorted
	Unmanaged    bool
	Meter        string
	Quantity     money.Quantity // of the meter, in units
	Usage        uint64         // quantity in parts × seconds
	Unit         string
	PriceID      string
	PriceVersion int32
	UnitPrice    money.Price // list price of a unit; 0 where the model has tiers
	Book         string
	Currency     string
	DiscountID   string
	List         money.Amount // without discounts
	Cost         money.Amount // with discounts: what is billed
	Reason       string
	FirstEvent   string
	LastEvent    string
	Corrects     string // of corrections: the line or the period that was wrong
}

// Attribution is for whom usage was, beside the organization.
type Attribution struct {
	ApplicantID string
	OrderID     string
	Programme   string
	Tag         string
}

// Digest is equal for lines that say the same. revision tells apart lines that are
// written again after they were taken back.
func (l *Line) Digest(revision int) string {
	h := sha256.New()
	for _, text := range []string{
		string(l.Category), l.ResourceID, l.ResourceType, l.AccountID, l.Driver, l.Region, l.OrganizationID, l.ApplicantID, l.OrderID,
		l.Programme, l.Tag, l.State, l.Spec, l.Meter, l.Unit, l.PriceID, l.Book, l.Currency, l.DiscountID, l.Reason, l.FirstEvent, l.Corrects,
	} {
		writeText(h, text)
	}
	unmanaged := int64(0)
	if l.Unmanaged {
		unmanaged = 1
	}
	for _, n := range []int64{
		l.From.Unix(), l.To.Unix(), int64(l.Quantity), int64(l.Usage), int64(l.PriceVersion), int64(l.UnitPrice), int64(l.List), int64(l.Cost),
		unmanaged, int64(revision),
	} {
		_ = binary.Write(h, binary.BigEndian, n) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func writeText(h hash.Hash, text string) {
	var length [4]byte
	binary.BigEndian.PutUint32(length[:], uint32(len(text)))
	h.Write(length[:])
	h.Write([]byte(text))
}
