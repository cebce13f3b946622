package app

import (
	"fmt"
	"os"

	"github.com/yunqiao/yunqiao/billing"
	"github.com/yunqiao/yunqiao/billing/calendar"
)

// BillingConfig is about bills.
type BillingConfig struct {
	Zone          string `yaml:"zone"`           // in which months and days begin
	Issuer        string `yaml:"issuer"`         // who sends the statements
	StatementFont string `yaml:"statement_font"` // TrueType file with Chinese characters
}

// debianFont is where Debian's package fonts-arphic-gbsn00lp has a TrueType font with
// Chinese characters.
const debianFont = "/usr/share/fonts/truetype/arphic-gbsn00lp/gbsn00lp.ttf"

func (b BillingConfig) validate(bad report) {
	if _, err := calendar.Zone(b.Zone); err != nil {
		bad("billing.zone", "%q is no zone of the IANA time zone database", b.Zone)
	}
	if b.StatementFont == "" {
		return
	}
	if file, err := os.Stat(b.StatementFont); err != nil || !file.Mode().IsRegular() {
		bad("billing.statement_font", "%s is no file that can be read", b.StatementFont)
	}
}

func (b BillingConfig) options(providers billing.Providers) (billing.Options, error) {
	zone, err := calendar.Zone(b.Zone)
	if err != nil {
		return billing.Options{}, fmt.Errorf("billing.zone: %w", err)
	}
	font := b.StatementFont
	if _, err := os.Stat(debianFont); font == "" && err == nil {
		font = debianFont
	}
	return billing.Options{Zone: zone, Issuer: b.Issuer, Font: font, Providers: providers}, nil
}
