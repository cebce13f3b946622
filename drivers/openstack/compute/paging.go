package compute

import (
	"slices"
	"strings"
)

// pageOf cuts a page out of a short list that is held whole, in the order of its
// keys. The token of a page is the key of the last item of the page before.
func pageOf[T any](all []T, key func(T) string, size int32, token string) (page []T, next string) {
	if size <= 0 {
		size = defaultPageSize
	}
	sorted := slices.SortedFunc(slices.Values(all), func(a, b T) int { return strings.Compare(key(a), key(b)) })
	start := 0
	if token != "" {
		start = len(sorted)
		for i := range sorted {
			if key(sorted[i]) > token {
				start = i
				break
			}
		}
	}
	end := min(start+int(size), len(sorted))
	page = sorted[start:end]
	if end < len(sorted) && len(page) > 0 {
		next = key(page[len(page)-1])
	}
	return page, next
}

// byIDs picks the items with these keys, and names the keys that no item has.
func byIDs[T any](all []T, key func(T) string, ids []string) (found []T, missing []string) {
	for _, id := range ids {
		i := slices.IndexFunc(all, func(item T) bool { return key(item) == id })
		if i < 0 {
			missing = append(missing, id)
			continue
		}
		found = append(found, all[i])
	}
	return found, missing
}
