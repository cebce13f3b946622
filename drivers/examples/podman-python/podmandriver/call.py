"""What the gateway tells and is told beside the messages of a call."""

import base64
import hashlib


class Call:
    """The metadata of one call, and the trailer of its answer."""

    def __init__(self, context):
        told = dict(context.invocation_metadata())
        self.request_id = told.get("request-id", "")
        self.account_id = told.get("account-id", "")
        self.attempt = int(told.get("attempt", "1"))
        self.next_step = told.get("next-step", "")
        self.undo = told.get("undo") == "1"
        self.trailer = []
        self._context = context

    def seconds_left(self, most):
        """How long the cloud may be waited for."""
        left = self._context.time_remaining()
        return most if left is None else max(0.001, min(most, left))

    def token(self, step=""):
        """The idempotency token: equal for every repeat of one request."""
        digest = hashlib.sha256((self.request_id + step).encode()).digest()
        return base64.b32encode(digest).decode().lower()[:26]

    def set_next_step(self, step, poll_after_seconds=0):
        """Has the gateway repeat the same rpc with this step."""
        self.trailer.append(("next-step", step))
        if poll_after_seconds:
            self.trailer.append(("poll-after-seconds", str(poll_after_seconds)))

    def add_provider_request_id(self, request_id):
        """Tells the cloud's own id of a request."""
        if request_id:
            self.trailer.append(("provider-request-id", request_id))

    def send_trailer(self):
        self._context.set_trailing_metadata(tuple(self.trailer))

    def facts(self, method):
        """What ties a log line to the gateway's."""
        return {"method": method, "request_id": self.request_id, "account_id": self.account_id, "attempt": self.attempt}
