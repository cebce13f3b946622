package edge

import (
	"context"
	"fmt"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// limitURL refuses addresses that are longer than any rpc needs.
func (e *edge) limitURL(c *gin.Context) {
	if len(c.Request.RequestURI) > e.opts.MaxURLBytes {
		e.fail(c, language(c.Request), sdk.NewError(apiv1.Reason_REASON_REQUEST_TOO_LARGE,
			sdk.Violation("url", fmt.Sprintf("must not exceed %d bytes", e.opts.MaxURLBytes))))
	}
}

// admit bounds how many calls are served at once, and each one's time. Probes and
// documents are not bounded, so that a gateway at its limit still shows that it lives.
func (e *edge) admit(slots chan struct{}) gin.HandlerFunc {
	return func(c *gin.Context) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		default:
			e.fail(c, language(c.Request), sdk.NewError(apiv1.Reason_REASON_UNAVAILABLE, sdk.RetryAfter(time.Second),
				sdk.Violation("concurrency", fmt.Sprintf("%d calls are being served", cap(slots)))))
			return
		}
		ctx, cancel := context.WithTimeout(c.Request.Context(), e.opts.RequestTimeout)
		defer cancel()
		c.Request = c.Request.WithContext(ctx)
		c.Next()
	}
}
