package logging

import (
	"bytes"
	"context"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"
)

// refresh reads what is configured: at the start, and again and again where other
// replicas may have changed it. What is the same stays as it is.
func (m *Module) refresh(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.refreshSubmissions(ctx); err != nil {
		return err
	}
	if err := m.refreshLocations(ctx); err != nil {
		return err
	}
	m.wake()
	return nil
}

func (m *Module) refreshSubmissions(ctx context.Context) error {
	var rows []submissionRow
	if err := m.store.Read.WithContext(ctx).Order("id").Find(&rows).Error; err != nil {
		return fmt.Errorf("read submissions: %w", err)
	}
	found := map[string]bool{}
	for i := range rows {
		row := &rows[i]
		found[row.ID] = true
		public := &loggingv1.Submission{}
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal([]byte(row.Document), public); err != nil {
			return fmt.Errorf("read submission %s: %w", row.ID, err)
		}
		known := m.submissions[row.ID]
		if known != nil && proto.Equal(known.public, public) && bytes.Equal(known.token, row.TokenHash) {
			continue
		}
		s, err := m.open(row, public, known)
		if err != nil {
			return err
		}
		m.put(s)
	}
	for id := range m.submissions {
		if !found[id] {
			m.drop(id)
		}
	}
	return nil
}

func (m *Module) refreshLocations(ctx context.Context) error {
	var rows []locationRow
	if err := m.store.Read.WithContext(ctx).Order("id").Find(&rows).Error; err != nil {
		return fmt.Errorf("read locations: %w", err)
	}
	found := map[string]bool{}
	for i := range rows {
		row := &rows[i]
		found[row.ID] = true
		place := &loggingv1.Location{}
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal([]byte(row.Document), place); err != nil {
			return fmt.Errorf("read location %s: %w", row.ID, err)
		}
		c := m.locations[row.ID]
		if c == nil {
			c = &collector{state: loggingv1.LocationState_LOCATION_STATE_STARTING}
			c.place.Store(place)
			c.totals.load(row)
			m.locations[row.ID] = c
		}
		if !proto.Equal(c.place.Load(), place) {
			c.place.Store(place) // the collecting goroutine starts anew when it sees it
		}
		c.heard(row)
	}
	for id := range m.locations {
		if !found[id] {
			delete(m.locations, id)
		}
	}
	return nil
}
