package nativeid_test

import (
	"fmt"

	"github.com/yunqiao/yunqiao/drivers/sdk/nativeid"
)

// A route has no id of its own: its router and its destination address it.
func ExampleJoin() {
	id := nativeid.Join("router-1", "10.0.0.0/8")
	fmt.Println(id)
	parts, err := nativeid.Split(id)
	fmt.Println(parts, err)
	// Output:
	// router-1~~10.0.0.0~2F8
	// [router-1 10.0.0.0/8] <nil>
}
