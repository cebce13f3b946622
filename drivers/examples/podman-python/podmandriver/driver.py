"""DriverService: what the driver can do, and its accounts. An account is one host."""

import re
import threading

from cloud.compute.v1 import container_pb2
from cloud.driver.v1 import driver_pb2, driver_pb2_grpc

from . import errors, podman

VERSION = "1.0.0"

FIELDS = [
    {"name": "socket", "description": "Path of podman's socket", "default_value": "/run/podman/podman.sock"},
    {"name": "region", "description": "Name of the host for users", "default_value": "local"},
    {"name": "ulimits", "description": "Limits of every container, such as nofile=1024:1024,nproc=1024:1024; empty: podman's own"},
    {"name": "stop_seconds", "description": "How long a container may take to end by itself", "default_value": "10"},
]

RPCS = ["CreateContainer", "DeleteContainer", "UpdateContainer", "StartContainer", "StopContainer", "RestartContainer",
        "ListContainers", "GetContainer"]
FEATURES = ["compute.container." + name for name in ("command", "description", "secret_environment", "tags")]

ULIMIT = re.compile(r"([a-z]+)=(\d+):(\d+)")


class Host:
    """An open account."""

    def __init__(self, settings):
        known = {field["name"]: field.get("default_value", "") for field in FIELDS}
        for name in settings:
            if name not in known:
                raise errors.rejected(name, "there is no such setting")
        known.update({name: value for name, value in settings.items() if value})
        self.podman = podman.Podman(known["socket"])
        self.region = known["region"]
        self.ulimits = read_ulimits(known["ulimits"])
        if not known["stop_seconds"].isdigit():
            raise errors.rejected("stop_seconds", "must be a number of seconds")
        self.stop_seconds = int(known["stop_seconds"])


def read_ulimits(text):
    """The limits as podman's specification of a container wants them."""
    limits = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = ULIMIT.fullmatch(part)
        if not match:
            raise errors.rejected("ulimits", "must be of the form name=soft:hard, with commas between")
        limits.append({"type": match[1], "soft": int(match[2]), "hard": int(match[3])})
    return limits


class Accounts:
    """The open accounts, by id."""

    def __init__(self):
        self._lock, self._hosts = threading.Lock(), {}

    def put(self, account_id, host):
        with self._lock:
            self._hosts[account_id] = host

    def remove(self, account_id):
        with self._lock:
            self._hosts.pop(account_id, None)

    def get(self, account_id):
        with self._lock:
            host = self._hosts.get(account_id)
        if host is None:
            raise errors.DriverError("ACCOUNT_NOT_FOUND", resource="account", native_id=account_id)
        return host


class Driver(driver_pb2_grpc.DriverServiceServicer):
    """cloud.driver.v1.DriverService."""

    def __init__(self, accounts):
        self._accounts = accounts

    @errors.rpc
    def GetInfo(self, request, call):
        service = container_pb2.DESCRIPTOR.services_by_name["ContainerService"].full_name
        return driver_pb2.GetInfoResponse(
            name="podman-python", version=VERSION, provider="podman", contract_versions=[1],
            methods=[service + "/" + rpc for rpc in RPCS], features=[{"name": name} for name in FEATURES])

    @errors.rpc
    def GetAccountSchema(self, request, call):
        return driver_pb2.GetAccountSchemaResponse(fields=FIELDS)

    @errors.rpc
    def OpenAccount(self, request, call):
        host = Host(request.settings)
        capabilities = probe(host, call)
        self._accounts.put(request.account_id, host)
        return driver_pb2.OpenAccountResponse(capabilities=capabilities)

    @errors.rpc
    def CloseAccount(self, request, call):
        self._accounts.remove(request.account_id)
        return driver_pb2.CloseAccountResponse()

    @errors.rpc
    def Probe(self, request, call):
        return driver_pb2.ProbeResponse(capabilities=probe(self._accounts.get(request.account_id), call))


def probe(host, call):
    """Asks podman for its version. A container's unique name makes repeats safe."""
    answer = host.podman.ask(call, "GET", "/version")
    if not answer.ok:
        raise answer.error("CLOUD_ERROR")
    return driver_pb2.AccountCapabilities(region_id=host.region, idempotency={"native_token": True})
