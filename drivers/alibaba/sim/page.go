package sim

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

const defaultPage = 10

// listed is the answer of a list: the records that fit on the page at a path, with
// the members that tell where the list stands.
func (c *call) listed(path string, records []*record) (obj, error) {
	return c.listedAfter(path, records, func(*record) {})
}

// listedAfter is listed for records of which some members follow from other records:
// refresh fills them, of those on the page only.
func (c *call) listedAfter(path string, records []*record, refresh func(*record)) (obj, error) {
	page, out, err := paged(c, records, func(r *record) int { return r.seq })
	if err != nil {
		return nil, err
	}
	for _, r := range page {
		refresh(r)
	}
	items := make([]any, len(page))
	schema := c.at(path)
	for i, r := range page {
		items[i] = showAs(schema, r)
	}
	return merge(out, wrap(path, items)), nil
}

// merge joins objects, members of members too.
func merge(a, b obj) obj {
	for name, v := range b {
		inner, ok := v.(obj)
		old, both := a[name].(obj)
		if ok && both {
			a[name] = merge(old, inner)
			continue
		}
		a[name] = v
	}
	return a
}

// paged cuts a list as the call asks: by NextToken and MaxResults, else by page.
func paged[T any](c *call, all []T, seq func(T) int) ([]T, obj, error) {
	out := obj{}
	schema := c.action.Response.Properties
	put := func(v int, names ...string) {
		for _, name := range names {
			if s := schema[name]; s != nil && s.Type == "string" {
				out[name] = strconv.Itoa(v)
			} else if s != nil && s.Type != "object" {
				out[name] = v
			}
		}
	}
	put(len(all), "TotalCount", "TotalRecordCount", "Total")
	takesToken := c.action.Parameter("NextToken") != nil
	size, number := c.pageArgs()
	limitName := c.limitName()
	if takesToken && (c.has("NextToken") || c.has(limitName) || number == 0) {
		after, err := c.position()
		if err != nil {
			return nil, nil, err
		}
		limit := max(1, c.num(limitName, c.defaultOf(limitName)))
		start := 0
		for start < len(all) && seq(all[start]) <= after {
			start++
		}
		page := all[start:]
		if limitName != "" && len(page) > limit {
			page = page[:limit]
			out["NextToken"] = c.token(seq(page[limit-1]))
		}
		put(limit, "MaxResults")
		return page, out, nil
	}
	if number == 0 {
		return all, out, nil
	}
	put(number, "PageNumber", "CurrentPage")
	put(size, "PageSize")
	start := min((number-1)*size, len(all))
	page := all[start:min(start+size, len(all))]
	put(len(page), "PageRecordCount", "ItemsCount")
	return page, out, nil
}

// limitName is the parameter by which an action with tokens takes the size of a page.
func (c *call) limitName() string {
	for _, name := range []string{"MaxResults", "MaxResult", "Limit"} {
		if c.action.Parameter(name) != nil {
			return name
		}
	}
	return ""
}

// pageArgs reads the page asked for; number 0 is an action without pages.
func (c *call) pageArgs() (size, number int) {
	for _, name := range []string{"PageNumber", "CurrentPage", "PageNum"} {
		if c.action.Parameter(name) != nil {
			return max(1, c.num("PageSize", c.defaultOf("PageSize"))), max(1, c.num(name, 1))
		}
	}
	return 0, 0
}

// defaultOf is the size of a page that a caller does not say.
func (c *call) defaultOf(name string) int {
	p := c.action.Parameter(name)
	if p != nil && p.Min != nil && int(*p.Min) > defaultPage {
		return int(*p.Min)
	}
	return defaultPage
}

// token is where a list goes on; it belongs to its action and account.
func (c *call) token(after int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s/%s/%d", c.name(), c.who.account.uid, after))
}

func (c *call) position() (int, error) {
	given := c.str("NextToken")
	if given == "" {
		return 0, nil
	}
	plain, err := base64.RawURLEncoding.DecodeString(given)
	number, ok := strings.CutPrefix(string(plain), c.name()+"/"+c.who.account.uid+"/")
	after, numberErr := strconv.Atoi(number)
	if err != nil || !ok || numberErr != nil {
		return 0, c.failOne([]string{"InvalidParameter.NextToken", "InvalidNextToken", "IllegalParam.NextToken", "InvalidParameter"},
			"The specified NextToken is not valid.")
	}
	return after, nil
}

// row is one item of a list that is not made of records, with its place.
type row struct {
	seq  int
	item obj
}

// listedRows is listed for rows.
func (c *call) listedRows(path string, rows []row) (obj, error) {
	page, out, err := paged(c, rows, func(r row) int { return r.seq })
	if err != nil {
		return nil, err
	}
	items := make([]any, len(page))
	for i, r := range page {
		items[i] = r.item
	}
	return merge(out, wrap(path, items)), nil
}
