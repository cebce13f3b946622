package ledger

import (
	"encoding/binary"
	"io"
)

// copied writes rows in the binary format of PostgreSQL's COPY, a piece at a time.
// Source: PostgreSQL 15 documentation, COPY, "Binary Format".
type copied struct {
	rows []Row
	next int    // row
	left []byte // encoded and not read yet
	page []byte // that left is a part of
	done bool
}

// copyPage is how many bytes are encoded at least before they are handed over.
const copyPage = 1 << 16

func copyOf(rows []Row) *copied {
	c := &copied{rows: rows, page: make([]byte, 0, copyPage+copyPage/4)}
	c.left = append(c.page, "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"...) // signature, no flags, no extension
	return c
}

// Read implements io.Reader.
func (c *copied) Read(to []byte) (int, error) {
	if len(c.left) == 0 {
		if c.done {
			return 0, io.EOF
		}
		c.encode()
	}
	n := copy(to, c.left)
	c.left = c.left[n:]
	return n, nil
}

// encode fills the page with whole rows, and with the trailer after the last.
func (c *copied) encode() {
	t := tuple(c.page[:0])
	for ; c.next < len(c.rows) && len(t) < copyPage; c.next++ {
		t.row(&c.rows[c.next])
	}
	if c.next == len(c.rows) {
		t = binary.BigEndian.AppendUint16(t, 0xffff)
		c.done = true
	}
	c.page, c.left = t, t
}

// rowFields is how many columns a row has.
const rowFields = 41

// tuple is a buffer of encoded rows.
type tuple []byte

// row encodes the fields in the order of their definition.
func (t *tuple) row(r *Row) {
	*t = binary.BigEndian.AppendUint16(*t, rowFields)
	t.texts(r.ID, r.Period, r.UsageMonth, r.Day, r.Origin, r.Category, r.Class, r.Digest, r.Takes, r.ResourceID, r.ResourceType, r.AccountID, r.Driver,
		r.Region, r.OrganizationID, r.ApplicantID, r.OrderID, r.Programme, r.Tag)
	t.bigint(r.Begins)
	t.bigint(r.Ends)
	t.texts(r.State, r.Spec)
	t.boolean(r.Unmanaged)
	t.texts(r.Meter)
	t.bigint(r.Quantity)
	t.bigint(r.Usage)
	t.texts(r.Unit, r.PriceID)
	t.integer(r.PriceVersion)
	t.bigint(r.UnitPrice)
	t.texts(r.Book, r.Currency, r.DiscountID)
	t.bigint(r.List)
	t.bigint(r.Cost)
	t.texts(r.Reason, r.FirstEvent, r.LastEvent, r.Corrects)
	t.bigint(r.RecordedAt)
}

func (t *tuple) texts(texts ...string) {
	for _, text := range texts {
		*t = append(binary.BigEndian.AppendUint32(*t, uint32(len(text))), text...)
	}
}

func (t *tuple) bigint(n int64) {
	*t = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(*t, 8), uint64(n))
}

func (t *tuple) integer(n int32) {
	*t = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(*t, 4), uint32(n))
}

func (t *tuple) boolean(b bool) {
	value := byte(0)
	if b {
		value = 1
	}
	*t = append(binary.BigEndian.AppendUint32(*t, 1), value)
}
