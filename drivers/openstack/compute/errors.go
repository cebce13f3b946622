package compute

import (
	"context"
	"errors"
	"net/http"

	"github.com/gophercloud/gophercloud/v2"
)

// isBadRequest tells whether the cloud answered 400, which Nova says of unknown
// references and of a marker that is gone.
func isBadRequest(err error) bool { return gophercloud.ResponseCodeIs(err, http.StatusBadRequest) }

func isBadMarker(err error) bool {
	return isBadRequest(err) || gophercloud.ResponseCodeIs(err, http.StatusNotFound)
}

func isConflict(err error) bool { return gophercloud.ResponseCodeIs(err, http.StatusConflict) }

func isCanceled(err error) bool { return errors.Is(err, context.Canceled) }
