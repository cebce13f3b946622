package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// TestBadRequests sends what no client should: every answer is a 4xx that says
// which field is wrong, and nothing is made.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	const account = "memory"
	gateway := harness.NewGateway(t, programs, harness.Account{ID: account, Driver: "memory"})
	vm := func(change object) object {
		o := object{
			"account_id": account, "name": "vm", "image_id": account + ".img-cirros", "flavor_id": account + ".m1.tiny",
			"nics": []object{{"subnet_id": account + ".sub-none"}},
		}
		for name, value := range change {
			if o[name] = value; value == nil {
				delete(o, name)
			}
		}
		return o
	}
	text := func(format string, values ...any) []byte { return fmt.Appendf(nil, format, values...) }
	create, get, list := harness.Path("compute/vm/create"), harness.Path("compute/vm/get"), harness.Path("compute/vm/list")
	noToken, form := harness.Header("Authorization", ""), harness.Header("Content-Type", "application/x-www-form-urlencoded")
	const post, read = http.MethodPost, http.MethodGet

	for name, row := range map[string]struct {
		method, path string
		body         any
		options      []harness.Option
		reason       string
		field        string // of one violation; empty: any
	}{
		"empty body":               {post, create, []byte{}, nil, "VALIDATION_FAILED", "account_id"},
		"empty object":             {post, create, object{}, nil, "VALIDATION_FAILED", "name"},
		"10 MB":                    {post, create, bytes.Repeat([]byte{' '}, 10<<20), nil, "REQUEST_TOO_LARGE", "body"},
		"10 MB in one member":      {post, create, vm(object{"name": strings.Repeat("a", 10<<20)}), nil, "REQUEST_TOO_LARGE", "body"},
		"no object":                {post, create, []byte(`[1]`), nil, "MALFORMED_REQUEST", "body"},
		"null":                     {post, create, []byte(`null`), nil, "MALFORMED_REQUEST", "body"},
		"half an object":           {post, create, []byte(`{"name":"x"`), nil, "MALFORMED_REQUEST", ""},
		"two objects":              {post, create, []byte(`{} {}`), nil, "MALFORMED_REQUEST", "body"},
		"nested 100,000 times":     {post, create, []byte(`{"nics":` + strings.Repeat(`[`, 100_000) + strings.Repeat(`]`, 100_000) + `}`), nil, "MALFORMED_REQUEST", ""},
		"no JSON":                  {post, create, []byte("name=x"), nil, "MALFORMED_REQUEST", "body"},
		"no UTF-8":                 {post, create, []byte("{\"account_id\":\"memory\",\"name\":\"\xff\xfe\"}"), nil, "", ""},
		"number for a string":      {post, create, vm(object{"name": 7}), nil, "MALFORMED_REQUEST", "name"},
		"string for a number":      {post, create, vm(object{"boot_disk": object{"size_gib": "9"}}), nil, "MALFORMED_REQUEST", "boot_disk.size_gib"},
		"fraction for an integer":  {post, create, vm(object{"boot_disk": object{"size_gib": 1.5}}), nil, "MALFORMED_REQUEST", "boot_disk.size_gib"},
		"number beyond 32 bits":    {post, create, []byte(`{"boot_disk":{"size_gib":4294967297}}`), nil, "MALFORMED_REQUEST", "boot_disk.size_gib"},
		"object for a list":        {post, create, vm(object{"nics": object{}}), nil, "MALFORMED_REQUEST", "nics"},
		"string for an object":     {post, create, vm(object{"nics": []string{"a"}}), nil, "MALFORMED_REQUEST", "nics[0]"},
		"no such enum value":       {post, harness.Path("compute/vm/stop"), object{"id": account + ".vm-1", "stop_mode": "GENTLY"}, nil, "MALFORMED_REQUEST", "stop_mode"},
		"unknown member":           {post, create, vm(object{"nmae": "x"}), nil, "MALFORMED_REQUEST", "nmae"},
		"unknown member inside":    {post, create, vm(object{"nics": []object{{"subnet": "x"}}}), nil, "MALFORMED_REQUEST", "nics[0].subnet"},
		"member twice":             {post, create, []byte(`{"name":"a","name":"b"}`), nil, "MALFORMED_REQUEST", "name"},
		"map key twice":            {post, create, []byte(`{"tags":{"a":"1","a":"2"}}`), nil, "MALFORMED_REQUEST", `tags["a"]`},
		"bad name":                 {post, create, vm(object{"name": "-x"}), nil, "VALIDATION_FAILED", "name"},
		"two kinds of login":       {post, create, vm(object{"generate_password": true, "password": "Secret-123456"}), nil, "VALIDATION_FAILED", "body"},
		"nic without source":       {post, create, vm(object{"nics": []object{{}}}), nil, "VALIDATION_FAILED", "nics[0]"},
		"no account":               {post, create, vm(object{"account_id": nil}), nil, "VALIDATION_FAILED", "account_id"},
		"unknown account":          {post, create, vm(object{"account_id": "nobody", "image_id": "nobody.i", "flavor_id": "nobody.f", "nics": []object{{"subnet_id": "nobody.s"}}}), nil, "ACCOUNT_NOT_FOUND", "account_id"},
		"image of another account": {post, create, vm(object{"image_id": "other.img-cirros"}), nil, "REFERENCE_MISMATCH", "image_id"},
		"absent image":             {post, create, vm(object{"image_id": account + ".img-none"}), nil, "REFERENCE_NOT_FOUND", "image_id"},
		"absent flavor":            {post, create, vm(object{"flavor_id": account + ".none"}), nil, "REFERENCE_NOT_FOUND", "flavor_id"},
		"absent subnet":            {post, create, vm(nil), nil, "REFERENCE_NOT_FOUND", "nics[0].subnet_id"},
		"malformed reference":      {post, create, vm(object{"image_id": "img-cirros"}), nil, "ID_MALFORMED", "image_id"},
		"empty update":             {post, harness.Path("compute/vm/update"), object{"id": account + ".vm-1"}, nil, "VALIDATION_FAILED", "body"},
		"key with spaces":          {post, create, vm(nil), []harness.Option{harness.Key("a b")}, "VALIDATION_FAILED", "request_id"},
		"key of 1,000 characters":  {post, create, vm(nil), []harness.Option{harness.Key(strings.Repeat("k", 1000))}, "VALIDATION_FAILED", "request_id"},
		"two different keys":       {post, create, vm(object{"request_id": "a"}), []harness.Option{harness.Key("b")}, "MALFORMED_REQUEST", "request_id"},
		"callback to a file":       {post, create, vm(object{"callback_url": "file:///etc/passwd"}), nil, "VALIDATION_FAILED", "callback_url"},
		"wait for a week":          {post, create, vm(object{"wait_seconds": 604800}), nil, "VALIDATION_FAILED", "wait_seconds"},

		"no id":                  {read, get, nil, nil, "VALIDATION_FAILED", "id"},
		"id without account":     {read, get + "?id=vm-1", nil, nil, "ID_MALFORMED", "id"},
		"id without native part": {read, get + "?id=memory.", nil, nil, "ID_MALFORMED", "id"},
		"id with a slash":        {read, get + "?id=memory.a%2Fb", nil, nil, "ID_MALFORMED", "id"},
		"id spelt otherwise":     {read, get + "?id=memory.vm~2D1", nil, nil, "ID_MALFORMED", "id"},
		"id with a NUL":          {read, get + "?id=memory.vm%00", nil, nil, "ID_MALFORMED", "id"},
		"id of 600 characters":   {read, get + "?id=memory." + strings.Repeat("a", 600), nil, nil, "VALIDATION_FAILED", "id"},
		"id of another account":  {read, get + "?id=other.vm-1", nil, nil, "RESOURCE_FORBIDDEN", "id"},
		"absent id":              {read, get + "?id=memory.vm-none", nil, nil, "NOT_FOUND", ""},
		"id twice":               {read, get + "?id=memory.a&id=memory.b", nil, nil, "MALFORMED_REQUEST", "id"},
		"unknown parameter":      {read, list + "?acount_id=memory", nil, nil, "MALFORMED_REQUEST", "acount_id"},
		"broken escape":          {read, list + "?name=%zz", nil, nil, "MALFORMED_REQUEST", "query"},
		"huge page":              {read, list + "?page_size=1000000", nil, nil, "VALIDATION_FAILED", "page_size"},
		"negative page":          {read, list + "?page_size=-1", nil, nil, "VALIDATION_FAILED", "page_size"},
		"page of words":          {read, list + "?page_size=many", nil, nil, "MALFORMED_REQUEST", "page_size"},
		"page token of ours":     {read, list + "?page_token=AAAA", nil, nil, "PAGE_TOKEN_INVALID", "page_token"},
		"page token of nobody":   {read, list + "?page_token=%2e%2e%2f", nil, nil, "PAGE_TOKEN_INVALID", "page_token"},
		"unknown account listed": {read, list + "?account_id=nobody", nil, nil, "ACCOUNT_NOT_FOUND", "account_id"},
		"order by a secret":      {read, list + "?view=cached&order_by=body", nil, nil, "VALIDATION_FAILED", "order_by"},
		"cached by zone":         {read, list + "?view=cached&zone_id=z", nil, nil, "VALIDATION_FAILED", "zone_id"},
		"operation of nobody":    {read, harness.Path("operation/operation/get") + "?id=" + strings.Repeat("0", 32), nil, nil, "NOT_FOUND", "id"},
		"operation of words":     {read, harness.Path("operation/operation/get") + "?id=mine", nil, nil, "VALIDATION_FAILED", "id"},

		"no token":                    {read, list, nil, []harness.Option{noToken}, "TOKEN_MISSING", ""},
		"garbage token":               {read, list, nil, []harness.Option{harness.Header("Authorization", "Bearer \xf0\x28garbage")}, "TOKEN_INVALID", ""},
		"basic credentials":           {read, list, nil, []harness.Option{harness.Header("Authorization", "Basic YTpi")}, "TOKEN_INVALID", ""},
		"another type":                {post, create, []byte("name=x"), []harness.Option{form}, "UNSUPPORTED_MEDIA_TYPE", "Content-Type"},
		"wrong method":                {read, create, nil, nil, "METHOD_NOT_ALLOWED", "method"},
		"strange method":              {"BREW", create, nil, nil, "METHOD_NOT_ALLOWED", "method"},
		"no such path":                {read, "/compute/v1/vm/explode", nil, nil, "ROUTE_NOT_FOUND", "path"},
		"dots":                        {read, "/compute/v1/../../etc/passwd", nil, nil, "ROUTE_NOT_FOUND", "path"},
		"escaped dots":                {read, "/compute/v1/%2e%2e/%2e%2e/etc/passwd", nil, nil, "ROUTE_NOT_FOUND", "path"},
		"double slash":                {read, "//compute/v1/vm/list", nil, nil, "ROUTE_NOT_FOUND", "path"},
		"slash at the end":            {read, "/compute/v1/vm/list/", nil, nil, "", ""},
		"dots for an id":              {read, "/compute/v1/vms/..", nil, nil, "", ""},
		"escaped slash in an id":      {read, "/compute/v1/vms/memory.a%2fb", nil, nil, "ID_MALFORMED", "id"},
		"id in the path of nobody":    {read, "/compute/v1/vms/other.vm-1", nil, nil, "RESOURCE_FORBIDDEN", "id"},
		"path and query differ":       {read, "/compute/v1/vms/memory.a?id=memory.b", nil, nil, "MALFORMED_REQUEST", "id"},
		"body and query say the same": {post, create + "?name=b", vm(nil), nil, "MALFORMED_REQUEST", "name"},
		"text that is no JSON at all": {post, create, text("%s", strings.Repeat("\x00", 100)), nil, "MALFORMED_REQUEST", "body"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := gateway.Send(t, row.method, row.path, row.body, row.options...)
			if answer.Status/100 != 4 || answer.Code/100 != answer.Status {
				t.Fatalf("%d %.500s", answer.Status, answer.Body)
			}
			if answer.Message == "" || answer.RequestID == "" {
				t.Errorf("the envelope lacks something: %s", answer.Body)
			}
			if row.reason != "" && answer.Reason() != row.reason {
				t.Errorf("got %s, want %s: %.500s", answer.Reason(), row.reason, answer.Body)
			}
			fields := harness.Texts(answer.Violations(), "field")
			for _, field := range fields {
				if field == row.field {
					return
				}
			}
			if row.field != "" {
				t.Errorf("fields %q, want %s among them: %.500s", fields, row.field, answer.Body)
			}
		})
	}
	t.Run("nothing was made", func(t *testing.T) {
		gateway.Stop(t)
		for kind, records := range harness.DumpFile(t, programs, gateway.CloudFile(account)).Of(account) {
			t.Errorf("the cloud has %d of %s", len(records), kind)
		}
	})
}

// TestNoWayOutOfTheDocuments asks the reader of the documents for other files.
func TestNoWayOutOfTheDocuments(t *testing.T) {
	t.Parallel()
	gateway := harness.NewGateway(t, programs, harness.Account{ID: "memory", Driver: "memory"})
	for _, path := range []string{"/docs/..%2f..%2fetc%2fpasswd", "/docs/%2e%2e/%2e%2e/etc/passwd", "/docs//etc/passwd", "/docs/../admin.token"} {
		answer := gateway.Send(t, http.MethodGet, path, nil, harness.Header("Authorization", ""))
		if answer.Status/100 == 2 || answer.Status/100 == 5 || bytes.Contains(answer.Body, []byte("root:")) {
			t.Errorf("%s: %d %.100s", path, answer.Status, answer.Body)
		}
	}
}

// TestGarbageOnThePort sends bytes that are no HTTP; others are served meanwhile.
func TestGarbageOnThePort(t *testing.T) {
	t.Parallel()
	gateway := harness.NewGateway(t, programs, harness.Account{ID: "memory", Driver: "memory"})
	address := strings.TrimPrefix(gateway.URL(), "http://")
	for name, garbage := range map[string]string{
		"nothing":              "",
		"binary":               "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\xff\r\n\r\n",
		"no request":           "hello\r\n\r\n",
		"endless header":       "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 1<<20) + "\r\n\r\n",
		"two lengths":          "POST /compute/v1/vm/create HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"length and chunks":    "POST /compute/v1/vm/create HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"body that ends early": "POST /compute/v1/vm/create HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{",
		"HTTP/2 preface":       "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, garbage) // the server may hang up first
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.CloseWrite()
			}
			answer, _ := io.ReadAll(conn)
			if len(answer) > 0 && !bytes.HasPrefix(answer, []byte("HTTP/1.1 4")) && !bytes.HasPrefix(answer, []byte("HTTP/1.1 505")) && !bytes.HasPrefix(answer, []byte("HTTP/1.1 501")) {
				t.Errorf("answer %.200q", answer)
			}
			gateway.Get(t, "compute/flavor/list", object{"account_id": "memory"})
		})
	}
}
