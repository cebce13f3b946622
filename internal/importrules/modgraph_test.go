package importrules_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestModulesOfVendorsStaySmall holds that what a vendor's module requires brings
// neither our HTTP and database libraries nor other vendors' SDKs.
func TestModulesOfVendorsStaySmall(t *testing.T) {
	for _, module := range []string{"plugin-proto", "drivers/sdk"} {
		cmd := exec.CommandContext(t.Context(), "go", "mod", "graph")
		cmd.Dir = filepath.Join("..", "..", module)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			_, required, _ := strings.Cut(strings.TrimSpace(line), " ")
			for _, unwanted := range []string{
				"github.com/gin-gonic/", "gorm.io/", "github.com/gophercloud/", "github.com/aliyun/", "github.com/alibabacloud-go/",
				"github.com/yunqiao/yunqiao@",
			} {
				if strings.HasPrefix(required, unwanted) {
					t.Errorf("%s requires %s", module, required)
				}
			}
		}
	}
}
