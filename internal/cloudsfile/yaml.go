package cloudsfile

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

type document struct {
	Clouds map[string]map[string]any `yaml:"clouds"`
}

// FromYAML reads an entry of a clouds.yaml file, and of secure.yaml beside it. cloud
// may be empty if there is only one; region chooses where an entry lists several.
func FromYAML(file, cloud, region string) (Entry, error) {
	clouds, err := readYAML(file)
	if err != nil {
		return Entry{}, err
	}
	names := slices.Sorted(maps.Keys(clouds))
	if cloud == "" && len(names) == 1 {
		cloud = names[0]
	}
	entry, found := clouds[cloud]
	if !found {
		return Entry{}, fmt.Errorf("%s has no cloud %q; it has: %s", file, cloud, strings.Join(names, ", "))
	}
	values := map[string]string{}
	flatten(values, entry)
	secure, err := readYAML(filepath.Join(filepath.Dir(file), "secure.yaml"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Entry{}, err
	}
	flatten(values, secure[cloud])
	if profile := values["profile"]; profile != "" {
		return Entry{}, fmt.Errorf("cloud %s refers to the profile %q of another file: write out what it says", cloud, profile)
	}
	if values["region_name"], err = regionOf(values["region_name"], entry["regions"], region); err != nil {
		return Entry{}, fmt.Errorf("cloud %s: %w", cloud, err)
	}
	e, err := entryOf(values, filepath.Dir(file))
	if err != nil {
		return Entry{}, fmt.Errorf("cloud %s of %s: %w", cloud, file, err)
	}
	return e, nil
}

func readYAML(file string) (map[string]map[string]any, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var d document
	if err := yaml.Unmarshal(text, &d); err != nil {
		// The error itself quotes the file, which holds secrets.
		return nil, fmt.Errorf("%s is not a YAML file with clouds", file)
	}
	return d.Clouds, nil
}

// flatten puts the scalars of an entry and of its part "auth" into values.
func flatten(values map[string]string, entry map[string]any) {
	for key, value := range entry {
		switch v := value.(type) {
		case map[string]any:
			if key == "auth" {
				flatten(values, v)
			}
		case []any, nil:
		default:
			values[key] = fmt.Sprint(v)
		}
	}
}

// regionOf chooses the region: the wanted one must be among those of the entry.
func regionOf(named string, listed any, wanted string) (string, error) {
	var regions []string
	if named != "" {
		regions = append(regions, named)
	}
	list, _ := listed.([]any)
	for _, item := range list {
		if of, ok := item.(map[string]any); ok {
			item = of["name"]
		}
		regions = append(regions, fmt.Sprint(item))
	}
	switch {
	case wanted == "" && len(regions) > 1 && named == "":
		return "", fmt.Errorf("choose one of its regions: %s", strings.Join(regions, ", "))
	case wanted == "" && len(regions) > 0:
		return regions[0], nil
	case wanted != "" && len(regions) > 0 && !slices.Contains(regions, wanted):
		return "", fmt.Errorf("it has no region %q; it has: %s", wanted, strings.Join(regions, ", "))
	}
	return wanted, nil
}
