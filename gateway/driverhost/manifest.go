package driverhost

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

const (
	// ManifestFile is the manifest of a driver that has a folder of its own.
	ManifestFile = "manifest.json"
	// ManifestSuffix ends the manifest of a driver that is one program: it lies
	// beside the program and is called as that is.
	ManifestSuffix = ".manifest.json"

	manifestFormat   = 1
	maxManifestBytes = 1 << 20
)

// Manifest says what a driver is made of. The host believes nothing else about a
// driver's files, so a signature over the bytes of this file, kept beside it,
// covers the whole driver.
type Manifest struct {
	Format   int           `json:"format"`   // of this file: 1
	Name     string        `json:"name"`     // as GetInfo tells
	Version  string        `json:"version"`  // as GetInfo tells
	Contract ContractRange `json:"contract"` // versions of the contract that it speaks
	Program  string        `json:"program"`  // one of Files
	Args     []string      `json:"args,omitempty"`
	Files    []File        `json:"files"`    // all that belongs to the driver, by path
	Settings []Setting     `json:"settings"` // what an account is made of, as GetAccountSchema tells
}

// ContractRange is a range of contract versions with both its ends.
type ContractRange struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

// File is one file of a driver.
type File struct {
	Path   string `json:"path"`   // from the manifest's folder, with slashes
	SHA256 string `json:"sha256"` // in hex, lower case
}

// Setting is one setting or credential of an account.
type Setting struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Required    bool     `json:"required,omitempty"`
	Secret      bool     `json:"secret,omitempty"`
	Values      []string `json:"values,omitempty"`
	Default     string   `json:"default,omitempty"`
}

var (
	nameForm    = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	versionForm = regexp.MustCompile(`^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$`)
	sumForm     = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// ReadManifest reads a manifest strictly and checks that it makes sense. It does
// not look at the files; Verify does.
func ReadManifest(path string) (*Manifest, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxManifestBytes+1))
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", path, err)
	}
	m, err := parseManifest(content)
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", path, err)
	}
	return m, nil
}

func parseManifest(content []byte) (*Manifest, error) {
	if len(content) > maxManifestBytes {
		return nil, fmt.Errorf("is longer than %d bytes", maxManifestBytes)
	}
	var format struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(content, &format); err != nil {
		return nil, err
	}
	if format.Format != manifestFormat {
		return nil, fmt.Errorf("has format %d; this gateway reads format %d", format.Format, manifestFormat)
	}
	var m Manifest
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return &m, nil
}

func (m *Manifest) check() error {
	switch {
	case !nameForm.MatchString(m.Name):
		return fmt.Errorf("name %q is not lower case letters, digits and hyphens", m.Name)
	case !versionForm.MatchString(m.Version):
		return fmt.Errorf("version %q is not major.minor.patch", m.Version)
	case m.Contract.Min < 1 || m.Contract.Max < m.Contract.Min:
		return fmt.Errorf("contract from %d to %d is no range", m.Contract.Min, m.Contract.Max)
	}
	seen := map[string]bool{}
	for _, f := range m.Files {
		switch {
		case !filepath.IsLocal(f.Path) || filepath.ToSlash(filepath.Clean(f.Path)) != f.Path || strings.ContainsRune(f.Path, '\\'):
			return fmt.Errorf("file %q is not a plain path inside the driver's folder", f.Path)
		case !sumForm.MatchString(f.SHA256):
			return fmt.Errorf("sha256 %q of %s is not 64 digits of hex", f.SHA256, f.Path)
		case seen[f.Path]:
			return fmt.Errorf("file %s is listed twice", f.Path)
		}
		seen[f.Path] = true
	}
	if !seen[m.Program] {
		return fmt.Errorf("program %q is not one of the files", m.Program)
	}
	settings := map[string]bool{}
	for _, s := range m.Settings {
		if s.Name == "" || settings[s.Name] {
			return fmt.Errorf("setting %q has no name or is listed twice", s.Name)
		}
		settings[s.Name] = true
	}
	return nil
}

// Verify compares every file with its checksum. A driver with a folder of its own
// may hold nothing else, for what lies there might be loaded. The files must be
// writable for their installer only: they are opened again afterwards.
func (m *Manifest) Verify(path string) error {
	dir := filepath.Dir(path)
	for _, f := range m.Files {
		if err := verifyFile(filepath.Join(dir, filepath.FromSlash(f.Path)), f.SHA256); err != nil {
			return err
		}
	}
	if filepath.Base(path) != ManifestFile {
		return nil
	}
	extra, err := filesIn(dir)
	if err != nil {
		return err
	}
	for _, found := range extra {
		if !slices.ContainsFunc(m.Files, func(f File) bool { return f.Path == found }) {
			return fmt.Errorf("%s is not in the manifest", filepath.Join(dir, found))
		}
	}
	return nil
}

// filesIn lists what a driver's folder holds beside the manifest, with slashes.
func filesIn(dir string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || name == ManifestFile || strings.HasPrefix(name, ManifestFile+".") {
			return err // ".sig" is where a signature will be
		}
		if !entry.Type().IsRegular() {
			return fmt.Errorf("%s is not a regular file", path)
		}
		found = append(found, filepath.ToSlash(name))
		return nil
	})
	return found, err
}

// NewManifest describes a driver by what it tells of itself and by its files,
// which are the program alone, or all in its folder.
func NewManifest(info *driverv1.GetInfoResponse, schema *driverv1.GetAccountSchemaResponse, dir, program string, files []string) (*Manifest, error) {
	versions := info.GetContractVersions()
	if len(versions) == 0 {
		return nil, errors.New("the driver tells no contract version")
	}
	m := &Manifest{
		Format: manifestFormat, Name: info.GetName(), Version: info.GetVersion(), Program: program, Settings: settingsOf(schema),
		Contract: ContractRange{Min: int(slices.Min(versions)), Max: int(slices.Max(versions))},
	}
	for _, name := range files {
		sum, err := sumOf(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		m.Files = append(m.Files, File{Path: name, SHA256: sum})
	}
	slices.SortFunc(m.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return m, m.check()
}

func settingsOf(schema *driverv1.GetAccountSchemaResponse) []Setting {
	settings := make([]Setting, 0, len(schema.GetFields()))
	for _, f := range schema.GetFields() {
		settings = append(settings, Setting{
			Name: f.GetName(), Description: f.GetDescription(), Required: f.GetRequired(), Secret: f.GetSecret(),
			Values: f.GetValues(), Default: f.GetDefaultValue(),
		})
	}
	return settings
}

// agree tells in what a running driver is not what the manifest says.
func (m *Manifest) agree(info *driverv1.GetInfoResponse, schema *driverv1.GetAccountSchemaResponse) error {
	if info.GetName() != m.Name || info.GetVersion() != m.Version {
		return fmt.Errorf("calls itself %s %s, and its manifest %s %s", info.GetName(), info.GetVersion(), m.Name, m.Version)
	}
	told := settingsOf(schema)
	for i := range max(len(told), len(m.Settings)) {
		switch {
		case i >= len(told):
			return fmt.Errorf("does not tell setting %s of its manifest", m.Settings[i].Name)
		case i >= len(m.Settings):
			return fmt.Errorf("tells setting %s, which its manifest does not have", told[i].Name)
		case !sameSetting(told[i], m.Settings[i]):
			return fmt.Errorf("tells setting %s in another form than its manifest has %s", told[i].Name, m.Settings[i].Name)
		}
	}
	return nil
}

func sameSetting(a, b Setting) bool {
	return a.Name == b.Name && a.Description == b.Description && a.Required == b.Required && a.Secret == b.Secret &&
		a.Default == b.Default && slices.Equal(a.Values, b.Values)
}
