package driverhost

import (
	"fmt"
	"path/filepath"
	"slices"
)

// verify holds a driver's files against their checksums and completes the spec
// from the manifest, which is nil where there is none.
func (s Spec) verify(contracts []int) (Spec, *Manifest, error) {
	if s.Manifest == "" {
		if s.SHA256 == "" {
			return s, nil, nil
		}
		return s, nil, verifyFile(s.Path, s.SHA256)
	}
	m, err := ReadManifest(s.Manifest)
	if err != nil {
		return s, nil, err
	}
	if !slices.ContainsFunc(contracts, func(v int) bool { return m.Contract.Min <= v && v <= m.Contract.Max }) {
		return s, nil, fmt.Errorf("driver %s %s of %s speaks contract versions %d to %d, and this gateway %v",
			m.Name, m.Version, s.Manifest, m.Contract.Min, m.Contract.Max, contracts)
	}
	if err := m.Verify(s.Manifest); err != nil {
		return s, nil, err
	}
	s.Path = filepath.Join(filepath.Dir(s.Manifest), filepath.FromSlash(m.Program))
	s.Args = slices.Concat(m.Args, s.Args)
	if s.SHA256 != "" {
		return s, m, verifyFile(s.Path, s.SHA256)
	}
	return s, m, nil
}
