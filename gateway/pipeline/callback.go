package pipeline

import (
	"net/url"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

func callbackProblems(options *apiv1.WriteOptions) []sdk.ErrorOption {
	if options.GetCallbackUrl() == "" {
		return nil
	}
	u, err := url.Parse(options.GetCallbackUrl())
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return []sdk.ErrorOption{sdk.Violation("callback_url", "must be an http or https address without user and password")}
	}
	return nil
}
