package cli

import (
	"fmt"
	"log/slog"

	"github.com/yunqiao/yunqiao/gateway/app"
)

type serveCommand struct {
	Config string `help:"Configuration file; without one the defaults hold: SQLite, one account 'memory'." env:"YUNQIAO_CONFIG" type:"existingfile" placeholder:"FILE"`
	Hints  bool   `help:"Print the address, the first token and examples to standard output." hidden:""`
}

// Help implements kong.HelpProvider.
func (*serveCommand) Help() string {
	return `Listens on 127.0.0.1:8355 and keeps everything in the folder data, unless the
configuration or $YUNQIAO_LISTEN and $YUNQIAO_DATA say otherwise. The first start
writes the administrator's token to admin.token in that folder. Drivers are the
programs in the folder "drivers" beside this one. It ends in order on SIGTERM.

    yunqiao serve
    yunqiao serve --config /etc/yunqiao/yunqiao.yaml
    YUNQIAO_DATA=/tmp/try YUNQIAO_LISTEN=127.0.0.1:9000 yunqiao serve`
}

// Run serves until the context ends.
func (c *serveCommand) Run(env *environment) error {
	boundStacks()
	config, err := app.LoadConfig(c.Config, env.getenv)
	if err != nil {
		return err
	}
	log := app.NewLogger(env.stderr, config.Log)
	gateway, err := app.Start(env.ctx, log, config, env.getenv)
	if err != nil {
		return err
	}
	log.LogAttrs(env.ctx, slog.LevelInfo, "serving", slog.String("url", gateway.URL()), slog.String("version", version()))
	if c.Hints {
		printHints(env, config, gateway)
	}
	return gateway.Run(env.ctx)
}

// printHints shows a newcomer what to do.
func printHints(env *environment, config *app.Config, gateway *app.App) {
	url := gateway.URL()
	fmt.Fprintf(env.stdout, "\nYunqiao serves on %s (documents: %s/docs)\n", url, url)
	if gateway.FirstToken != "" {
		fmt.Fprintf(env.stdout, "Administrator's token, shown once: %s\n", gateway.FirstToken)
	}
	token := `$(cat ` + config.TokenFile() + `)`
	fmt.Fprintf(env.stdout, `Try:
  curl -s %[1]s/readyz
  curl -s -H "Authorization: Bearer %[2]s" "%[1]s/compute/v1/flavor/list?account_id=memory"
  curl -s -H "Authorization: Bearer %[2]s" --json '{"account_id":"memory","name":"net-1"}' %[1]s/network/v1/network/create

`, url, token)
}
