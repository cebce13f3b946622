package billing_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	billingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/billing/v1"
)

// workbook has rows of cells; numbers are kept as spreadsheets keep them, with 17 digits.
func workbook(t *testing.T, rows ...[]any) []byte {
	t.Helper()
	file := excelize.NewFile()
	for n, row := range rows {
		for i, value := range row {
			cell := must[string](t)(excelize.CoordinatesToCellName(i+1, n+1))
			var err error
			switch v := value.(type) {
			case json.Number:
				number := must[float64](t)(v.Float64())
				err = file.SetCellFloat("Sheet1", cell, number, 17, 64)
			default:
				err = file.SetCellValue("Sheet1", cell, v)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	var b bytes.Buffer
	if err := file.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestPooledOfATable reads what spreadsheets make of true.
func TestPooledOfATable(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		prices := billingv1.NewPriceServiceClient(conn)
		head := []any{"resource_type", "meter", "unit", "price", "pooled"}
		must[*billingv1.ImportPricesResponse](t)(prices.ImportPrices(t.Context(), &billingv1.ImportPricesRequest{Format: billingv1.PriceFormat_PRICE_FORMAT_XLSX, Workbook: workbook(t,
			head, []any{"compute.vm", "vcpus", "hour", "1", true}, []any{"storage.disk", "size_gib", "hour", "1", false})}))
		table := func(pooled string) *billingv1.ImportPricesRequest {
			return &billingv1.ImportPricesRequest{Format: billingv1.PriceFormat_PRICE_FORMAT_CSV,
				Document: "resource_type,meter,unit,price,pooled\nnetwork.public_ip,instance,hour,1," + pooled + "\n"}
		}
		must[*billingv1.ImportPricesResponse](t)(prices.ImportPrices(t.Context(), table("TRUE")))
		want := map[string]bool{"compute.vm": true, "storage.disk": false, "network.public_ip": true}
		for _, p := range must[*billingv1.ListPricesResponse](t)(prices.ListPrices(t.Context(), &billingv1.ListPricesRequest{})).GetPrices() {
			if p.GetPooled() != want[p.GetResourceType()] {
				t.Errorf("%s: pooled is %v", p.GetResourceType(), p.GetPooled())
			}
		}
		_, err := prices.ImportPrices(t.Context(), table("ja"))
		refused(t, err, codes.InvalidArgument)
		if err != nil && !strings.Contains(err.Error(), "pooled") {
			t.Errorf("the error does not name the column: %v", err)
		}
	})
}

func TestPricesOfAWorkbook(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, conn grpc.ClientConnInterface) {
		prices := billingv1.NewPriceServiceClient(conn)
		send := func(content []byte) (*billingv1.ImportPricesResponse, error) {
			return prices.ImportPrices(t.Context(), &billingv1.ImportPricesRequest{Format: billingv1.PriceFormat_PRICE_FORMAT_XLSX, Workbook: content})
		}
		head := []any{"resource_type", "meter", "unit", "price", "name"}
		got, err := send(workbook(t, head,
			[]any{"compute.vm", "vcpus", "hour", json.Number("0.29"), "按核计费"},
			[]any{nil, nil, nil, nil, nil},
			[]any{"storage.disk", "size_gib", "month", json.Number("1234567.35"), nil},
			[]any{"network.public_ip", "instance", "month", "0.1234567891", "写成文本"}))
		if err != nil || got.GetAdded() != 3 {
			t.Fatalf("got %v, %v", got, err)
		}
		want := map[string]string{"compute.vm": "0.29", "storage.disk": "1234567.35", "network.public_ip": "0.1234567891"}
		for _, p := range must[*billingv1.ListPricesResponse](t)(prices.ListPrices(t.Context(), &billingv1.ListPricesRequest{})).GetPrices() {
			if p.GetPrice() != want[p.GetResourceType()] {
				t.Errorf("%s: got %s, want %s", p.GetResourceType(), p.GetPrice(), want[p.GetResourceType()])
			}
		}
		for name, content := range map[string][]byte{
			"workbook":             []byte("PK\x03\x04 is no workbook"),
			"document":             workbook(t),
			"workbook[Sheet1!D4]":  workbook(t, head, []any{"storage.snapshot", "size_gib", "hour", "1"}, []any{}, []any{"storage.snapshot", "iops", "hour", "-1"}),
			"workbook[Sheet1!E3]":  workbook(t, append(head[:4:4], "tiers"), []any{"storage.snapshot", "size_gib", "hour", "1"}, []any{"storage.snapshot", "iops", "hour", "1", "5:1"}),
			"workbook[Sheet1!C2]":  workbook(t, head, []any{"storage.snapshot", "size_gib", "fortnight", "1"}),
			"workbook[Sheet1!2:2]": workbook(t, head, []any{"storage.snapshot", "size_gib", "hour", "1", "a", "cell too many"}),
			"workbook[Sheet1!E2]":  workbook(t, append(head[:4:4], "book"), []any{"storage.snapshot", "size_gib", "hour", "1", "no such book"}),
		} {
			_, err := send(content)
			refused(t, err, codes.InvalidArgument)
			if err != nil && !strings.Contains(err.Error(), name) {
				t.Errorf("the error does not name %s: %v", name, err)
			}
		}
	})
}
