package contracttest_test

import (
	"errors"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// mostOfPage is the most items that a client may ask for on one page.
const mostOfPage = 1000

// TestPagesAreBounded: every list refuses pages that are too large.
func TestPagesAreBounded(t *testing.T) {
	t.Parallel()
	c, err := contract.Linked()
	if err != nil {
		t.Fatal(err)
	}
	bounded := 0
	for _, m := range c.Methods {
		field := m.Input.Descriptor().Fields().ByName("page_size")
		if field == nil {
			continue
		}
		bounded++
		for _, size := range []int32{-1, mostOfPage + 1} {
			request := m.Input.New()
			request.Set(field, protoreflect.ValueOfInt32(size))
			refused := false
			if invalid, ok := errors.AsType[*protovalidate.ValidationError](protovalidate.Validate(request.Interface())); ok {
				for _, v := range invalid.Violations {
					refused = refused || protovalidate.FieldPathString(v.Proto.GetField()) == "page_size"
				}
			}
			if !refused {
				t.Errorf("%s: page_size %d is not refused", m.FullName, size)
			}
		}
	}
	if bounded < 30 {
		t.Errorf("only %d rpcs have pages", bounded)
	}
}
