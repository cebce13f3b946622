package contract

import "strings"

// SplitList divides the text of a list at its commas; "\," is a comma within an item.
func SplitList(text string) []string {
	var items []string
	var item strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], `\,`):
			item.WriteByte(',')
			i++
		case text[i] == ',':
			items = append(items, item.String())
			item.Reset()
		default:
			item.WriteByte(text[i])
		}
	}
	return append(items, item.String())
}

// ListItem is the text of a list with this one item.
func ListItem(item string) string { return strings.ReplaceAll(item, ",", `\,`) }
