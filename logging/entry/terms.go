package entry

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// indexedBytes is how much of a message is found by its words.
const indexedBytes = 64 << 10

// maxTermBytes bounds one word; longer ones are cut, in the index and in queries alike.
const maxTermBytes = 64

// isWide tells the scripts that are written without spaces between words: they are
// indexed by two characters at a time.
func isWide(r rune) bool {
	return r >= 0x2E80 && (unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) || r >= 0x20000)
}

// terms cuts text into what is indexed, each once: words of letters and digits in
// lower case, and pairs of neighbouring wide characters.
func terms(text string) []string {
	if len(text) > indexedBytes {
		text = text[:indexedBytes]
	}
	seen := make(map[string]struct{}, 16)
	var out []string
	add := func(term string) {
		if len(term) > maxTermBytes {
			term = cut(term, maxTermBytes)
		}
		if _, ok := seen[term]; !ok {
			seen[term] = struct{}{}
			out = append(out, term)
		}
	}
	word, previous := -1, -1 // where a word, and where the wide character before this one, begins
	lower := lowerText(text)
	for i, r := range lower {
		wide := isWide(r)
		if part := !wide && r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)); part {
			if word < 0 {
				word = i
			}
		} else if word >= 0 {
			add(lower[word:i])
			word = -1
		}
		if !wide {
			previous = -1
			continue
		}
		if previous >= 0 {
			add(lower[previous : i+utf8.RuneLen(r)])
		}
		previous = i
	}
	if word >= 0 {
		add(lower[word:])
	}
	return out
}

// lowerText is the same for index, query and comparison.
func lowerText(text string) string { return strings.ToLower(strings.ToValidUTF8(text, " ")) }

// cut shortens text to at most n bytes at the end of a character.
func cut(text string, n int) string {
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// Text is a query for text.
type Text struct {
	terms  []string // all must be in the index of an entry
	phrase []string // all must be in the message, in lower case
}

// ParseText reads a query: words apart, and "words together". It fails with words
// for the client.
func ParseText(query string) (Text, string) {
	var t Text
	for i, part := range strings.Split(query, `"`) {
		pieces := []string{part}
		if i%2 == 0 {
			pieces = strings.Fields(part)
		}
		for _, piece := range pieces {
			if strings.TrimSpace(piece) == "" {
				continue
			}
			found := terms(piece)
			if len(found) == 0 {
				return Text{}, "needs a word, or at least two Chinese characters that stand together"
			}
			t.terms = append(t.terms, found...)
			t.phrase = append(t.phrase, lowerText(piece))
		}
	}
	return t, ""
}

// Empty tells that everything matches.
func (t Text) Empty() bool { return len(t.terms) == 0 }

// matches compares with the message itself: the index knows no neighbourhood.
func (t Text) matches(message string) bool {
	lower := lowerText(message)
	for _, phrase := range t.phrase {
		if !strings.Contains(lower, phrase) {
			return false
		}
	}
	return true
}

// Matches tells whether a message is found, without an index.
func (t Text) Matches(message string) bool {
	if t.Empty() {
		return true
	}
	if !t.matches(message) {
		return false
	}
	have := map[string]bool{}
	for _, term := range terms(message) {
		have[term] = true
	}
	for _, term := range t.terms {
		if !have[term] {
			return false
		}
	}
	return true
}
