package definitions

// Set is the definitions of all products.
type Set struct {
	products []*Product
	versions map[string]*Product
}

// Product is one API of Alibaba Cloud.
type Product struct {
	Name    string             `json:"product"` // as in signatures of SDKs: Ecs, Vpc, waf-openapi
	Version string             `json:"version"` // a date; no two products here share one
	Actions map[string]*Action `json:"actions"`
}

// Action is one call.
type Action struct {
	Name       string         `json:"-"`
	Product    *Product       `json:"-"`
	Reads      bool           `json:"get,omitempty"`   // published as one that changes nothing
	HTTPSOnly  bool           `json:"https,omitempty"` // the real service refuses plain HTTP
	Parameters []*Parameter   `json:"params,omitempty"`
	Response   *Schema        `json:"response,omitempty"`
	Errors     map[string]int `json:"errors,omitempty"` // code to HTTP status; not complete

	names map[string]*Parameter
}

// Styles of list and object parameters. A parameter without style is sent as its
// own name and one value; its name may hold dots.
const (
	StyleRepeat = "repeatList" // Tag.1.Key=a, SecurityGroupIds.1=sg-1
	StyleFlat   = "flat"       // as StyleRepeat for lists; Zone.Id=x for objects
	StyleJSON   = "json"       // one value that is JSON text
	StyleSimple = "simple"     // one value, separated by commas
)

// Parameter is one parameter of an action.
type Parameter struct {
	Name  string `json:"name"`
	Form  bool   `json:"form,omitempty"` // published in the form body, else in the query
	Style string `json:"style,omitempty"`
	Schema
}

// Schema says what a value may be. Limits are absent where nil or zero.
type Schema struct {
	Type       string             `json:"t,omitempty"` // string, integer, number, boolean, array, object, any
	Format     string             `json:"f,omitempty"` // int32, int64, float, double
	Required   bool               `json:"r,omitempty"`
	Enum       []string           `json:"e,omitempty"`
	Min        *float64           `json:"min,omitempty"`
	Max        *float64           `json:"max,omitempty"`
	MaxItems   int                `json:"items_max,omitempty"`
	MaxLength  int                `json:"len_max,omitempty"`
	Items      *Schema            `json:"i,omitempty"`
	Properties map[string]*Schema `json:"p,omitempty"`
	Additional *Schema            `json:"ap,omitempty"` // of members with any name
}

// Products lists all products by name.
func (s *Set) Products() []*Product { return s.products }

// ByVersion finds the product of a version, nil if there is none.
func (s *Set) ByVersion(version string) *Product { return s.versions[version] }

// Action finds an action by the product's version, nil if there is none.
func (s *Set) Action(version, name string) *Action {
	if p := s.versions[version]; p != nil {
		return p.Actions[name]
	}
	return nil
}

// Parameter finds a parameter by its published name, nil if there is none.
func (a *Action) Parameter(name string) *Parameter { return a.names[name] }
