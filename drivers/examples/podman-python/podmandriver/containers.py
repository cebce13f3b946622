"""ContainerService (T1.10 to T1.14, T8.3, T8.4) on podman."""

import contextlib
import threading

from cloud.compute.v1 import container_pb2, container_pb2_grpc

from . import errors, mapping

RESOURCE = "compute.container"
PAGE_SIZE = 50
NAME_TAKEN, NO_IMAGE = "already in use", "image not known"  # in podman's words; both come as 500
STEP_SWAP = "swap"  # an update's second step: the successor takes the container's place


class Containers(container_pb2_grpc.ContainerServiceServicer):
    """cloud.compute.v1.ContainerService."""

    def __init__(self, accounts):
        self._accounts = accounts
        self._changing = Names()

    @errors.rpc
    def CreateContainer(self, request, call):
        host = self._accounts.get(call.account_id)
        check_places(host, call, request)
        name = mapping.PREFIX + call.token()
        with self._changing.one(name):
            make(host, call, name, request, mapping.secrets_of(request))
            start(host, call, name)
        return container_pb2.CreateContainerResponse(id=name, state=container_pb2.CONTAINER_STATE_STARTING)

    @errors.rpc
    def DeleteContainer(self, request, call):
        host = self._accounts.get(call.account_id)
        with self._changing.one(request.id):
            remove(host, call, request.id)
            remove(host, call, request.id + mapping.SUCCESSOR)
        return container_pb2.DeleteContainerResponse(id=request.id, state=container_pb2.CONTAINER_STATE_DELETED)

    @errors.rpc
    def UpdateContainer(self, request, call):
        """podman's containers have their size and labels for life, so another one
        takes the place: it is made first, and the old one removed as the next step.
        Killed between any two calls, the repeat finds how far it had come."""
        host = self._accounts.get(call.account_id)
        with self._changing.one(request.id):
            if call.next_step == STEP_SWAP and call.undo:
                if inspect(host, call, request.id):
                    remove(host, call, request.id + mapping.SUCCESSOR)
            elif call.next_step == STEP_SWAP:
                swap(host, call, request.id)
            elif prepare(host, call, request):
                call.set_next_step(STEP_SWAP)
        return container_pb2.UpdateContainerResponse(id=request.id, state=container_pb2.CONTAINER_STATE_UPDATING)

    @errors.rpc
    def StartContainer(self, request, call):
        host = self._accounts.get(call.account_id)
        start(host, call, request.id)
        return container_pb2.StartContainerResponse(id=request.id, state=container_pb2.CONTAINER_STATE_STARTING)

    @errors.rpc
    def StopContainer(self, request, call):
        host = self._accounts.get(call.account_id)
        act(host, call, request.id, "/stop", timeout=host.stop_seconds)
        return container_pb2.StopContainerResponse(id=request.id, state=container_pb2.CONTAINER_STATE_STOPPING)

    @errors.rpc
    def RestartContainer(self, request, call):
        host = self._accounts.get(call.account_id)
        act(host, call, request.id, "/restart", t=host.stop_seconds)
        return container_pb2.RestartContainerResponse(id=request.id, state=container_pb2.CONTAINER_STATE_RESTARTING)

    @errors.rpc
    def GetContainer(self, request, call):
        host = self._accounts.get(call.account_id)
        found = inspect(host, call, request.id) or inspect(host, call, request.id + mapping.SUCCESSOR)
        if not found or mapping.to_proto(found, host.region).id != request.id:
            raise errors.not_found(RESOURCE, request.id)
        return container_pb2.GetContainerResponse(container=mapping.to_proto(found, host.region))

    @errors.rpc
    def ListContainers(self, request, call):
        host = self._accounts.get(call.account_id)
        answer = host.podman.ask(call, "GET", "/containers/json", all="true")
        if not answer.ok:
            raise answer.error("CLOUD_ERROR")
        names = {name.removesuffix(mapping.SUCCESSOR) for listed in answer.body for name in listed["Names"][:1]}
        response = container_pb2.ListContainersResponse()
        if request.ids:
            chosen = sorted(names.intersection(request.ids))
            response.missing_ids.extend(sorted(set(request.ids) - names))
        else:
            following = sorted(name for name in names if name > request.page_token)
            chosen = following[:request.page_size or PAGE_SIZE]
            if len(chosen) < len(following):
                response.next_page_token = chosen[-1]
        for name in chosen:
            found = inspect(host, call, name) or inspect(host, call, name + mapping.SUCCESSOR)
            if found:
                container = mapping.to_proto(found, host.region)
                if fits(container, request):
                    response.containers.append(container)
        return response


def fits(container, request):
    """The filters of a list."""
    key, exact, value = request.tag.partition("=")
    return not (request.name and container.name != request.name
                or request.state and container.state != request.state
                or request.subnet_id and container.subnet_id != request.subnet_id
                or key and (key not in container.tags or exact and container.tags[key] != value))


def check_places(host, call, request):
    """Refuses networks and groups that the host does not have."""
    subnet = request.subnet_id
    if subnet not in mapping.NETWORKS and not host.podman.ask(call, "GET", "/networks/%s/exists" % quote(subnet)).ok:
        raise errors.DriverError("REFERENCE_NOT_FOUND", field="subnet_id", resource="network.subnet", native_id=subnet)
    for index, group in enumerate(request.security_group_ids):
        if group != "none":
            raise errors.DriverError("REFERENCE_NOT_FOUND", field="security_group_ids[%d]" % index,
                                     resource="network.security_group", native_id=group)


def make(host, call, name, request, secrets):
    """Makes a container. One of the name is what an earlier attempt has made."""
    answer = host.podman.ask(call, "POST", "/containers/create", mapping.spec(name, request, secrets, host.ulimits))
    if answer.ok or NAME_TAKEN in answer.message:
        return
    if NO_IMAGE in answer.message:
        raise answer.error("REFERENCE_NOT_FOUND", field="image")
    raise answer.error("PARAMETER_REJECTED" if answer.status == 400 else "CLOUD_ERROR", resource=RESOURCE)


def prepare(host, call, request):
    """An update's first step: makes the successor. False: there is nothing to change."""
    found = inspect(host, call, request.id)
    if not found:
        if inspect(host, call, request.id + mapping.SUCCESSOR):
            return True
        raise errors.not_found(RESOURCE, request.id)
    wanted, secrets = mapping.asked(found)
    if wanted is None:
        raise errors.DriverError("INVALID_STATE", resource=RESOURCE, native_id=request.id, fault="was not made by this driver")
    before = wanted.SerializeToString(deterministic=True)
    for field in ("description", "cpu_millicores", "memory_mib"):
        if request.HasField(field):
            setattr(wanted, field, getattr(request, field))
    if request.HasField("tags"):
        wanted.tags.clear()
        wanted.tags.update(request.tags.entries)
    if wanted.SerializeToString(deterministic=True) == before:
        return False
    remove(host, call, request.id + mapping.SUCCESSOR)  # of an update that was given up
    make(host, call, request.id + mapping.SUCCESSOR, wanted, secrets)
    return True


def swap(host, call, name):
    """Puts the successor in the container's place; it runs if that one ran."""
    successor = name + mapping.SUCCESSOR
    if not inspect(host, call, successor):
        return
    old = inspect(host, call, name)
    if old and old["State"]["Running"]:
        start(host, call, successor)
    remove(host, call, name)
    answer = host.podman.ask(call, "POST", "/containers/%s/rename" % quote(successor), name=name)
    if not answer.ok:
        raise answer.error("CLOUD_ERROR", resource=RESOURCE, native_id=name)


def start(host, call, name):
    act(host, call, name, "/start")


def act(host, call, name, action, **query):
    """Runs an action; that it was done already (304) is success."""
    answer = host.podman.ask(call, "POST", "/containers/%s%s" % (quote(name), action), **query)
    if answer.status == 404:
        raise answer.error("NOT_FOUND", resource=RESOURCE, native_id=name)
    if not answer.ok:
        raise answer.error("INVALID_STATE" if answer.status == 409 else "CLOUD_ERROR", resource=RESOURCE, native_id=name)


def remove(host, call, name):
    """Removes a container in any state; absent is success."""
    answer = host.podman.ask(call, "DELETE", "/containers/%s" % quote(name), force="true", v="true", timeout=host.stop_seconds)
    if not answer.ok and answer.status != 404:
        raise answer.error("CLOUD_ERROR", resource=RESOURCE, native_id=name)


def inspect(host, call, name):
    """What podman tells of a container, or None. podman also finds containers by
    the beginning of their ids, which are not ours."""
    answer = host.podman.ask(call, "GET", "/containers/%s/json" % quote(name))
    if answer.status == 404:
        return None
    if not answer.ok:
        raise answer.error("CLOUD_ERROR", resource=RESOURCE, native_id=name)
    return answer.body if answer.body["Name"] == name else None


def quote(name):
    """A name as one segment of an address: podman's names need no escape, so any
    other is one that podman does not have."""
    if not all(c.isascii() and (c.isalnum() or c in "_.-") for c in name) or name in (".", ".."):
        raise errors.not_found(RESOURCE, name)
    return name


class Names:
    """Lets one caller at a time work on a name."""

    def __init__(self):
        self._lock, self._used = threading.Condition(), set()

    @contextlib.contextmanager
    def one(self, name):
        with self._lock:
            self._lock.wait_for(lambda: name not in self._used)
            self._used.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._used.remove(name)
                self._lock.notify_all()
