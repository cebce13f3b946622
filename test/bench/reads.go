package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// reads compares what both can answer.
func reads(gateway, floor *server, length time.Duration, rounds int) error {
	list, err := floor.call("GET", "/compute/v1/vm/list?page_size=100", "")
	if err != nil {
		return err
	}
	native := list["vms"].([]any)[0].(map[string]any)["id"].(string)
	calls := []struct{ name, gateway, floor string }{
		{"vm/get", "/compute/v1/vm/get?id=memory." + native, "/compute/v1/vm/get?id=" + native},
		{"vm/list (100 VMs)", "/compute/v1/vm/list?account_id=memory&page_size=100", "/compute/v1/vm/list?page_size=100"},
		{"vm/list, view=cached", "/compute/v1/vm/list?account_id=memory&page_size=100&view=VIEW_CACHED", "/cached?page_size=100"},
	}
	fmt.Printf("| Call | Connections | Gateway, requests/s | Floor, requests/s | Ratio | p99, gateway | p99, floor |\n|---|---|---|---|---|---|---|\n")
	for _, call := range calls {
		if err := sameAnswer(gateway, floor, call.gateway, call.floor); err != nil {
			return fmt.Errorf("%s: %w", call.name, err)
		}
		for _, connections := range []int{1, 64} {
			var g, f []sample
			for range rounds {
				g = append(g, load(gateway, get(call.gateway), connections, length))
				f = append(f, load(floor, get(call.floor), connections, length))
			}
			mg, mf := median(g), median(f)
			fmt.Printf("| %s | %d | %.0f | %.0f | %.2f | %s | %s |\n", call.name, connections, mg.rate, mf.rate, mg.rate/mf.rate,
				mg.p99.Round(10*time.Microsecond), mf.p99.Round(10*time.Microsecond))
		}
	}
	return nil
}

// sameAnswer asserts that both serve the same resources: what the gateway adds
// (accounts in ids, owners, times of reading) is taken out.
func sameAnswer(gateway, floor *server, gatewayPath, floorPath string) error {
	a, err := gateway.call("GET", gatewayPath, "")
	if err != nil {
		return err
	}
	b, err := floor.call("GET", floorPath, "")
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(strip(a), strip(b)) {
		return fmt.Errorf("the answers differ:\n%v\n%v", strip(a), strip(b))
	}
	return nil
}

var added = []string{
	"account_id", "tenant_id", "owner_id", "managed", "observed_at", "sources", "unreachable", "next_page_token", "state_message", "deletion_protected", "total_size",
}

func strip(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, item := range v {
			if !slices.Contains(added, key) {
				out[key] = strip(item)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = strip(item)
		}
		return out
	case string:
		return strings.TrimPrefix(v, "memory.")
	default:
		return v
	}
}
