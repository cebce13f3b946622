package memcloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/encoding/protojson"
)

// DumpedRecord is one record of a dump.
type DumpedRecord struct {
	Project  string            `json:"project"` // empty: the cloud's own
	ID       string            `json:"id"`
	Aux      map[string]string `json:"aux,omitempty"`
	Resource json.RawMessage   `json:"resource"`
}

// Dump is all records by kind, those of a kind by project and order of creation.
type Dump map[string][]DumpedRecord

// Dump reads all records of all projects.
func (c *Cloud) Dump(ctx context.Context) (Dump, error) {
	return read(c, ctx, func(*view) (Dump, error) {
		d := Dump{}
		for kind, projects := range c.tables {
			for _, project := range slices.Sorted(maps.Keys(projects)) {
				for _, r := range projects[project].order {
					resource, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(r.msg)
					if err != nil {
						return nil, fmt.Errorf("dump %s %s: %w", kind, r.id, err)
					}
					d[string(kind)] = append(d[string(kind)], DumpedRecord{project, r.id, r.aux, resource})
				}
			}
		}
		return d, nil
	})
}

// DumpFile reads the records of a file that no process has open, as they would
// be now. The file stays as it is.
func DumpFile(ctx context.Context, file string) (Dump, error) {
	c, err := newCloud(Options{})
	if err != nil {
		return nil, err
	}
	s, err := openStoreReadOnly(file)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(c.load(s), s.close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return c.Dump(ctx)
}
