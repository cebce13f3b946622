package main

import (
	"database/sql"

	"github.com/gin-gonic/gin"
	"google.golang.org/protobuf/proto"
	_ "modernc.org/sqlite" // the gateway's own

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
)

// cache reads VMs out of a copy of the gateway's inventory.
type cache struct{ page *sql.Stmt }

func openCache(file string) (*cache, error) {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return nil, err
	}
	page, err := db.Prepare(`SELECT body FROM inventory_resources
		WHERE type = 'compute.vm' AND gone_at IS NULL AND account_id = ? ORDER BY id LIMIT ?`)
	return &cache{page}, err
}

func (c *cache) list(g *gin.Context) {
	answer, err := c.read(g)
	write(g, answer, err)
}

func (c *cache) read(g *gin.Context) (proto.Message, error) {
	rows, err := c.page.QueryContext(g.Request.Context(), account, g.Query("page_size"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	answer := &computev1.ListVmsResponse{}
	for rows.Next() {
		var body sql.RawBytes
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		vm := &computev1.Vm{}
		if err := proto.Unmarshal(body, vm); err != nil {
			return nil, err
		}
		answer.Vms = append(answer.Vms, vm)
	}
	return answer, rows.Err()
}
