"""podman's REST API at its unix socket (libpod, version 4)."""

import http.client
import json
import socket
import urllib.parse

from . import errors

API = "/v4.0.0/libpod"
LONGEST_CALL = 60  # seconds


class Answer:
    """One answer of podman."""

    def __init__(self, status, request_id, body):
        self.status, self.request_id = status, request_id
        try:
            self.body = json.loads(body) if body else None
        except ValueError:
            self.body = {"message": body.decode("utf-8", "replace")}

    @property
    def ok(self):
        return self.status < 400

    @property
    def message(self):
        return self.body.get("message", "") if isinstance(self.body, dict) else ""

    def error(self, reason, **info):
        """An error of the contract about this answer."""
        return errors.DriverError(reason, fault=self.message, provider_status=self.status,
                                  provider_request_id=self.request_id, **info)


class Podman:
    """One host. Every call has a connection of its own, so it may be used by many
    threads."""

    def __init__(self, path):
        self.path = path

    def ask(self, call, method, path, body=None, **query):
        """Sends one request. Errors: CLOUD_UNAVAILABLE, CLOUD_TIMEOUT."""
        address = API + path
        if query:
            address += "?" + urllib.parse.urlencode(query)
        connection = _Connection(self.path, call.seconds_left(LONGEST_CALL))
        try:
            connection.request(method, address, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = Answer(response.status, response.getheader("X-Reference-Id", ""), response.read())
        except TimeoutError as error:
            raise errors.DriverError("CLOUD_TIMEOUT", fault=repr(error)) from error
        except (OSError, http.client.HTTPException) as error:
            raise errors.DriverError("CLOUD_UNAVAILABLE", fault="%s: %r" % (self.path, error)) from error
        finally:
            connection.close()
        call.add_provider_request_id(answer.request_id)
        return answer


class _Connection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("podman", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
