package app

import (
	"github.com/yunqiao/yunqiao/billing"
	"github.com/yunqiao/yunqiao/gateway/account"
	"github.com/yunqiao/yunqiao/gateway/audit"
	"github.com/yunqiao/yunqiao/gateway/cloudtenant"
	"github.com/yunqiao/yunqiao/gateway/identity"
	"github.com/yunqiao/yunqiao/gateway/inventory"
	"github.com/yunqiao/yunqiao/gateway/operation"
	"github.com/yunqiao/yunqiao/gateway/reconcile"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/outbox"
	"github.com/yunqiao/yunqiao/logging"
	"github.com/yunqiao/yunqiao/monitor"
	"github.com/yunqiao/yunqiao/programs"
)

// Schema is everything that the store holds, by the packages that own it.
func Schema() []db.Module {
	return []db.Module{
		identity.Migrations(), account.Migrations(), cloudtenant.Migrations(), inventory.Migrations(), operation.Migrations(), outbox.Migrations(),
		audit.Migrations(), reconcile.Migrations(), billing.Migrations(), programs.Migrations(), logging.Migrations(), monitor.Migrations(),
	}
}
