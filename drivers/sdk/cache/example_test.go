package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk/cache"
)

// Flavors are read once in ten minutes, by however many calls.
func ExampleCache() {
	flavors := cache.New[[]string](10*time.Minute, time.Now)
	asked := 0
	for range 3 {
		list, err := flavors.Get(context.Background(), "", func(context.Context) ([]string, error) {
			asked++
			return []string{"small", "large"}, nil
		})
		fmt.Println(list, err, asked)
	}
	// Output:
	// [small large] <nil> 1
	// [small large] <nil> 1
	// [small large] <nil> 1
}
