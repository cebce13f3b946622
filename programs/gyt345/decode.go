package gyt345

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxURL = 2048
	maxIDs = 5000 // in one list, so that no message keeps the others waiting for long
)

// reader turns what was received into the form that we write, and notes where it
// went beyond the tables.
type reader struct {
	notes []string // numbers of the notes in docs/programs.md, and warnings
}

func (r *reader) note(number string) {
	if !slices.Contains(r.notes, number) {
		r.notes = append(r.notes, number)
	}
}

// Decode reads a parsed body as a message of an interface. The notes name the forms
// that were accepted beyond the tables, by their numbers in docs/programs.md, and
// warnings that begin with "warn:".
func Decode(body Value, on Interface) (m *Message, notes []string, err error) {
	r := &reader{}
	m, err = r.message(body, on)
	return m, r.notes, err
}

func (r *reader) message(body Value, on Interface) (*Message, error) {
	id, err := r.required(body, field{name: "msgId", form: formNumeric})
	if err != nil {
		return nil, err
	}
	if n := utf8.RuneCountInString(id.Text); n > maxID || strings.ContainsFunc(id.Text, unicode.IsControl) {
		return nil, Invalid("msgId", "more than 128 characters, or control characters")
	}
	kind, err := r.required(body, field{name: "msgType", form: formInteger})
	if err != nil {
		return nil, err
	}
	if kind.Integer > math.MaxInt16 || Type(kind.Integer).Interface() != on {
		return nil, Invalid("msgType", "of another interface or of none")
	}
	at, err := r.required(body, field{name: "msgTime", form: formInteger})
	if err != nil {
		return nil, err
	}
	m := &Message{ID: id.Text, Type: Type(kind.Integer), Time: at.Integer}
	data, err := r.data(body)
	if err != nil {
		return nil, err
	}
	t := m.Type.table()
	if m.Type.onlyID() {
		key := slices.IndexFunc(t.fields, func(f field) bool { return f.name == t.id })
		t = &table{id: t.id, fields: t.fields[key : key+1]}
	}
	if m.Data, err = r.object(data, t, "msgData"); err != nil {
		return nil, err
	}
	if err := r.conditions(m); err != nil {
		return nil, err
	}
	return m, nil
}

// data finds msgData: an object, or text that holds one (N4).
func (r *reader) data(body Value) (Value, error) {
	data, ok := body.Member("msgData")
	if !ok || data.Kind == Null {
		return data, Missing("msgData")
	}
	if data.Kind == String {
		r.note("N4")
		var err error
		if data, err = Parse([]byte(data.Text)); err != nil {
			return data, Invalid("msgData", "text that holds no object")
		}
	}
	if data.Kind != Object {
		return data, Invalid("msgData", "no object")
	}
	return data, nil
}

func (r *reader) required(body Value, f field) (Value, error) {
	f.required = true
	v, err := r.field(body, f, f.name)
	return v, err
}

// object reads the fields of a table; what the table does not have is left out.
func (r *reader) object(v Value, t *table, path string) (Value, error) {
	if v.Kind != Object {
		return v, Invalid(path, "no object")
	}
	out := Value{Kind: Object, Members: make([]Member, 0, min(len(v.Members), len(t.fields)))}
	for _, f := range t.fields {
		value, err := r.field(v, f, f.name)
		if err != nil {
			return out, err
		}
		if value.Kind != Null {
			out.Members = append(out.Members, Member{f.name, value})
		}
	}
	return out, nil
}

// field reads one member, under any of its names. Null: it is not there.
func (r *reader) field(v Value, f field, path string) (Value, error) {
	value, found := v.Member(f.name)
	for _, alias := range f.aliases {
		other, ok := v.Member(alias)
		if !ok {
			continue
		}
		if found {
			return Value{}, Invalid(path, "under two names at once")
		}
		value, found = other, true
		r.note(f.note)
	}
	if !found || value.Kind == Null {
		if f.required {
			return Value{}, Missing(path)
		}
		return Value{}, nil
	}
	if !f.required && value.Kind == String && value.Text == "" && f.form != formText && f.form != formNumeric {
		if f.form != formStage {
			r.note("empty text for no value")
		}
		return Value{}, nil
	}
	return r.value(value, f, path)
}

func (r *reader) value(v Value, f field, path string) (Value, error) {
	switch f.form {
	case formText, formNumeric, formKind:
		return r.text(v, f, path)
	case formID:
		return r.id(v, path)
	case formURL:
		return r.url(v, path)
	case formInteger, formStage:
		return r.integer(v, path)
	case formPaid:
		return r.paid(v, path)
	case formQuality, formEnum:
		return r.enum(v, f, path)
	case formList:
		return r.list(v, path)
	case formIDText, formIDArray:
		return r.ids(v, f, path)
	case formObject:
		return r.one(v, f, path)
	default:
		return r.objects(v, f, path)
	}
}

func (r *reader) text(v Value, f field, path string) (Value, error) {
	if v.Kind == Integer && f.form == formNumeric {
		r.note("N17")
		v = text(strconv.FormatInt(v.Integer, 10))
	}
	if v.Kind != String || f.required && v.Text == "" || strings.Contains(v.Text, "\x00") {
		return v, Invalid(path, "no text")
	}
	if f.form == formKind && !slices.Contains(f.values, v.Text) {
		r.note("N14")
	}
	return v, nil
}

func (r *reader) id(v Value, path string) (Value, error) {
	if v.Kind == Integer {
		r.note("N17")
		v = text(strconv.FormatInt(v.Integer, 10))
	}
	if v.Kind != String {
		return v, Invalid(path, "no text")
	}
	id, ok := ID(v.Text)
	if id != v.Text {
		r.note("N21")
	}
	if !ok {
		return v, Invalid(path, "no id")
	}
	return text(id), nil
}

func (r *reader) url(v Value, path string) (Value, error) {
	if v.Kind != String {
		return v, Invalid(path, "no text")
	}
	scheme, rest, ok := strings.Cut(v.Text, "://")
	scheme = strings.ToLower(scheme)
	if !ok || rest == "" || scheme != "http" && scheme != "https" || len(v.Text) > maxURL || strings.ContainsFunc(v.Text, unicode.IsControl) {
		return v, Invalid(path, "no http or https URL of at most 2048 bytes")
	}
	return v, nil
}

func (r *reader) integer(v Value, path string) (Value, error) {
	if v.Kind == String {
		r.note("N7")
		n, err := strconv.ParseInt(v.Text, 10, 64)
		if err != nil || n > maxInteger || strings.ContainsAny(v.Text, "+-") {
			return v, Invalid(path, "no digits")
		}
		v = integer(n)
	}
	if v.Kind != Integer || v.Integer < 0 {
		return v, Invalid(path, "no integer from 0")
	}
	return v, nil
}

func (r *reader) paid(v Value, path string) (Value, error) {
	if v.Kind == Bool {
		r.note("N25")
		n := int64(0)
		if v.Bool {
			n = 1
		}
		return integer(n), nil
	}
	v, err := r.integer(v, path)
	if err == nil && v.Integer > 1 {
		return v, Invalid(path, "neither 0 nor 1")
	}
	return v, err
}

func (r *reader) enum(v Value, f field, path string) (Value, error) {
	values := f.values
	switch {
	case f.form == formQuality:
		values = []string{"SD", "HD", "4K", "8K"}
		if v.Kind == String {
			folded := strings.ToUpper(strings.TrimSpace(v.Text))
			if folded != v.Text {
				r.note("N16")
			}
			v = text(folded)
		}
	case v.Kind == Bool && slices.Contains(values, "true"):
		r.note("N8")
		v = text(strconv.FormatBool(v.Bool))
	}
	if v.Kind != String || !slices.Contains(values, v.Text) {
		return v, Invalid(path, "not in the list of values")
	}
	return v, nil
}

// list reads an array of text, or text separated by commas (N18).
func (r *reader) list(v Value, path string) (Value, error) {
	if v.Kind == String {
		r.note("N18")
		v = split(v.Text)
	}
	if v.Kind != Array {
		return v, Invalid(path, "no array")
	}
	out := Value{Kind: Array}
	for _, item := range v.Items {
		if item.Kind == Integer {
			r.note("N18")
			item = text(strconv.FormatInt(item.Integer, 10))
		}
		if item.Kind != String || strings.Contains(item.Text, "\x00") {
			return v, Invalid(path, "an item that is no text")
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

// split divides at commas, half and full width, and drops empty parts.
func split(s string) Value {
	out := Value{Kind: Array}
	for _, part := range strings.FieldsFunc(s, isComma) {
		if part = strings.TrimSpace(part); part != "" {
			out.Items = append(out.Items, text(part))
		}
	}
	return out
}

// ids reads a list of ids in any of its forms and writes that of the table (N3, N5).
func (r *reader) ids(v Value, f field, path string) (Value, error) {
	if (v.Kind == String) != (f.form == formIDText) {
		r.note(map[form]string{formIDText: "N3", formIDArray: "N5"}[f.form])
	}
	if v.Kind == String {
		v = split(v.Text)
	}
	if v.Kind != Array {
		return v, Invalid(path, "no list of ids")
	}
	if len(v.Items) > maxIDs {
		return v, Invalid(path, "more than 5000 ids")
	}
	out := Value{Kind: Array}
	seen := map[string]bool{}
	for _, item := range v.Items {
		if item.Kind == String && strings.Trim(item.Text, " \t\r\n\v\f") == "" && f.form == formIDText {
			continue
		}
		id, err := r.id(item, path)
		if err != nil {
			return v, err
		}
		if !seen[id.Text] {
			seen[id.Text] = true
			out.Items = append(out.Items, id)
		}
	}
	if len(out.Items) == 0 {
		return v, Invalid(path, "no id in the list")
	}
	if f.form == formIDArray {
		return out, nil
	}
	parts := make([]string, len(out.Items))
	for i, item := range out.Items {
		parts[i] = item.Text
	}
	return text(strings.Join(parts, ",")), nil
}

// one reads an object, or an array of exactly one (N2).
func (r *reader) one(v Value, f field, path string) (Value, error) {
	if v.Kind == Array {
		if len(v.Items) != 1 {
			return v, Invalid(path, "not exactly one object")
		}
		r.note("N2")
		v = v.Items[0]
	}
	return r.object(v, f.table(), path)
}

func (r *reader) objects(v Value, f field, path string) (Value, error) {
	if v.Kind != Array || f.required && len(v.Items) == 0 {
		return v, Invalid(path, "no array with items")
	}
	out := Value{Kind: Array}
	t := f.table()
	for _, item := range v.Items {
		o, err := r.object(item, t, path)
		if err != nil {
			return v, err
		}
		out.Items = append(out.Items, o)
	}
	return out, nil
}

// conditions are the rules between fields; those about free text only warn.
func (r *reader) conditions(m *Message) error {
	switch {
	case m.Type.onlyID():
		return nil
	case m.Type.Interface() == InterfaceSeries:
		return r.seriesConditions(m.Data)
	case m.Type.Interface() == InterfaceProgram:
		return r.programConditions(m.Data)
	}
	return nil
}

func (r *reader) seriesConditions(data Value) error {
	category, _ := data.Member("category")
	if _, ok := data.Member("episodeCount"); !ok && strings.Contains(category.Text, "剧") {
		r.note("warn:episodeCount is absent")
	}
	id, _ := data.Member("seriesId")
	relations, _ := data.Member("seriesPrograms")
	seen := map[string]bool{}
	for _, relation := range relations.Items {
		if outer, _ := relation.Member("seriesId"); outer.Text != id.Text {
			return Invalid("seriesPrograms.seriesId", "not the outer one")
		}
		program, _ := relation.Member("programId")
		if seen[program.Text] {
			return Invalid("seriesPrograms.programId", "twice in the list")
		}
		seen[program.Text] = true
		r.stage(relation)
	}
	return nil
}

func (r *reader) programConditions(data Value) error {
	plays, _ := data.Member("playInfos")
	for _, play := range plays.Items {
		if _, ok := play.Member("fps"); !ok {
			r.note("warn:fps is absent")
		}
	}
	series, inSeries := data.Member("seriesId")
	relation, related := data.Member("seriesPrograms")
	if inSeries && !related {
		return Missing("seriesPrograms")
	}
	if !related {
		return nil
	}
	if outer, _ := relation.Member("seriesId"); outer.Text != series.Text {
		return Invalid("seriesPrograms.seriesId", "not the outer one")
	}
	id, _ := data.Member("programId")
	if inner, _ := relation.Member("programId"); inner.Text != id.Text {
		return Invalid("seriesPrograms.programId", "not the outer one")
	}
	r.stage(relation)
	return nil
}

func (r *reader) stage(relation Value) {
	kind, _ := relation.Member("programType")
	if _, ok := relation.Member("stage"); ok && kind.Text != "正片" {
		r.note("warn:stage of what is no 正片")
	}
}
