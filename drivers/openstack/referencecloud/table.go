package referencecloud

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
)

// table holds the resources of one kind, in the order in which they were made.
type table struct {
	idField string
	rows    []object
}

func (c *Cloud) table(name string) *table {
	t := c.tables[name]
	if t == nil {
		t = &table{idField: "id"}
		c.tables[name] = t
	}
	return t
}

// add gives a resource its id.
func (t *table) add(row object) object {
	row[t.idField] = newID()
	t.rows = append(t.rows, row)
	return row
}

func (t *table) find(id string) object {
	for _, row := range t.rows {
		if row[t.idField] == id {
			return row
		}
	}
	return nil
}

func (t *table) remove(id string) {
	t.rows = slices.DeleteFunc(t.rows, func(row object) bool { return row[t.idField] == id })
}

// list answers a query: members that must be equal, fields, limit and marker. known
// false: there is no such marker.
func (t *table) list(query url.Values) (rows []object, more, known bool) {
	rows = []object{}
	for _, row := range t.rows {
		fits := true
		for key, wanted := range query {
			if _, member := row[key]; member && !slices.Contains(wanted, text(row[key])) {
				fits = false
			}
		}
		if fits {
			rows = append(rows, row)
		}
	}
	if marker := query.Get("marker"); marker != "" {
		at := slices.IndexFunc(rows, func(row object) bool { return row[t.idField] == marker })
		if at < 0 {
			return nil, false, false
		}
		rows = rows[at+1:]
	}
	if limit, err := strconv.Atoi(query.Get("limit")); err == nil && limit < len(rows) {
		rows, more = rows[:limit], true
	}
	if fields := query["fields"]; len(fields) > 0 {
		for i, row := range rows {
			rows[i] = maps.Collect(func(yield func(string, any) bool) {
				for _, f := range fields {
					if v, ok := row[f]; ok && !yield(f, v) {
						return
					}
				}
			})
		}
	}
	return rows, more, true
}
