package network

import (
	"strings"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
)

// words adds a new name and description where they are present. The cloud takes
// an empty parameter for an absent one and wants at least one character of a
// description, so that it is cleared by a space.
func words(params api.Params, nameParam string, name, description *string) api.Params {
	if name != nil {
		params.Set(nameParam, *name)
	}
	if description != nil {
		params.Set("Description", *description)
		if *description == "" {
			params.Set("Description", " ")
		}
	}
	return params
}

// noWords reads a description; one that words cleared is empty.
func noWords(description string) string { return strings.TrimSpace(description) }
