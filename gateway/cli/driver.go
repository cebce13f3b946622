package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"text/tabwriter"
)

type driverListCommand struct{}

// Help implements kong.HelpProvider.
func (driverListCommand) Help() string {
	return `Reads /readyz, which needs no token.

    yunqiao driver list
    yunqiao driver list --address https://gateway.example -o json`
}

// drivers is the part of /readyz that is shown.
type drivers struct {
	Drivers []struct {
		Name     string `json:"name"`
		State    string `json:"state"`
		Version  string `json:"version"`
		Restarts int    `json:"restarts"`
	} `json:"drivers"`
}

// Run prints one line a driver.
func (driverListCommand) Run(env *environment) error {
	c := newClient(env.flags, env.getenv)
	response, err := c.send(env.ctx, http.MethodGet, "/readyz", nil, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var told drivers
	if err := json.NewDecoder(response.Body).Decode(&told); err != nil {
		return fmt.Errorf("%s answered %s, and not as a gateway does: %w", c.address, response.Status, err)
	}
	if env.flags.Output == "json" {
		text, err := json.Marshal(told.Drivers)
		if err != nil {
			return err
		}
		return printJSON(env.stdout, text)
	}
	w := tabwriter.NewWriter(env.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tSTATE\tVERSION\tRESTARTS")
	for _, d := range told.Drivers {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\n", d.Name, d.State, d.Version, d.Restarts)
	}
	return w.Flush()
}
