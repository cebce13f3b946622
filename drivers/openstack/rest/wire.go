package rest

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Common is what all resources have, but for what the cloud does not tell of a kind.
type Common struct {
	ID             string    `json:"id"`
	Name           string    `json:"name"`
	Description    string    `json:"description"`
	Status         string    `json:"status"`
	ProjectID      string    `json:"project_id"`
	Tags           []string  `json:"tags"`
	RevisionNumber int       `json:"revision_number"`
	CreatedAt      Timestamp `json:"created_at"`
	UpdatedAt      Timestamp `json:"updated_at"`
}

// compareAge is negative where c was made before other.
func (c *Common) compareAge(other *Common) int {
	return cmp.Or(c.CreatedAt.Compare(other.CreatedAt.Time), strings.Compare(c.ID, other.ID))
}

// Timestamp is a time as the services write it: RFC 3339, in old releases without zone (UTC).
type Timestamp struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler. null and "" are the zero time.
func (t *Timestamp) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `"`)
	if text == "" || text == "null" {
		return nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999"} {
		if at, err := time.Parse(layout, text); err == nil {
			t.Time = at
			return nil
		}
	}
	return fmt.Errorf("no time: %q", text)
}
