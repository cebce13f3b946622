package cli

import (
	"fmt"
	"strings"

	"github.com/yunqiao/yunqiao/gateway/app"
)

// storeFlags say which gateway's store a command works on.
type storeFlags struct {
	Config string `help:"Configuration file of the gateway; without one the defaults hold." env:"YUNQIAO_CONFIG" type:"existingfile" placeholder:"FILE"`
}

type backupCommand struct {
	storeFlags
	File string `arg:"" help:"File to write; it must not exist." type:"path"`
}

// Help implements kong.HelpProvider.
func (backupCommand) Help() string {
	return `Writes all that the gateway's database holds into one file, as of one moment,
while the gateway runs. The file restores into SQLite and PostgreSQL alike.

The sealing key is not in the file. Keep it apart: without it the credentials
of the accounts, passwords and secret keys in the file cannot be opened, and
with it they can. Log entries, and simulated clouds in the data folder, are not
in the file either.
`
}

// Run writes the file.
func (c *backupCommand) Run(env *environment) error {
	config, err := app.LoadConfig(c.Config, env.getenv)
	if err != nil {
		return err
	}
	m, key, err := app.Backup(env.ctx, config, env.getenv, version(), c.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "%s: %d rows of %d tables (%s).\nThe sealing key is not in it: keep %s apart.\n",
		c.File, m.Rows(), len(m.Tables), m.Database, key)
	if len(m.Apart) > 0 {
		fmt.Fprintf(env.stdout, "Neither are the tables %s.\n", strings.Join(m.Apart, ", "))
	}
	return nil
}

type restoreCommand struct {
	storeFlags
	File string `arg:"" help:"File that backup wrote." type:"existingfile"`
}

// Help implements kong.HelpProvider.
func (restoreCommand) Help() string {
	return `Fills the empty database of the configuration from a backup, of whichever
database it was, and brings it to this program's schema. Put the sealing key in
its place first; no gateway may run on the database. A database with rows, and
a backup of a newer program, are refused.
`
}

// Run restores the file.
func (c *restoreCommand) Run(env *environment) error {
	config, err := app.LoadConfig(c.Config, env.getenv)
	if err != nil {
		return err
	}
	m, err := app.Restore(env.ctx, config, env.getenv, c.File)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.stdout, "restored %d rows of %d tables, as of %s\n", m.Rows(), len(m.Tables), m.CreatedAt.Format("2006-01-02 15:04:05 MST"))
	return err
}
