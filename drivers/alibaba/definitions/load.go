package definitions

import (
	"cmp"
	"compress/gzip"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"sync"
)

//go:embed data/*.json.gz
var data embed.FS

var loaded = sync.OnceValues(func() (*Set, error) { return read(data) })

// Load decodes the definitions once. What it returns is shared: do not change it.
func Load() (*Set, error) { return loaded() }

func read(files fs.FS) (*Set, error) {
	names, err := fs.Glob(files, "data/*.json.gz")
	if err != nil {
		return nil, err
	}
	set := &Set{versions: map[string]*Product{}}
	for _, name := range names {
		p, err := readProduct(files, name)
		if err != nil {
			return nil, fmt.Errorf("definitions %s: %w", name, err)
		}
		if other := set.versions[p.Version]; other != nil {
			return nil, fmt.Errorf("definitions %s: version %s is that of %s", name, p.Version, other.Name)
		}
		set.versions[p.Version] = p
		set.products = append(set.products, p)
	}
	slices.SortFunc(set.products, func(a, b *Product) int { return cmp.Compare(a.Name, b.Name) })
	return set, nil
}

func readProduct(files fs.FS, name string) (*Product, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	text, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	p := &Product{}
	if err := json.NewDecoder(text).Decode(p); err != nil {
		return nil, err
	}
	for name, a := range p.Actions {
		a.Name, a.Product, a.names = name, p, make(map[string]*Parameter, len(a.Parameters))
		for _, parameter := range a.Parameters {
			a.names[parameter.Name] = parameter
		}
	}
	return p, nil
}
