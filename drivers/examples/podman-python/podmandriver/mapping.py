"""podman's words and the contract's, without any call of podman.

A container's id is its name at podman, which is unique there. What was asked for
is kept in a label, for podman keeps it in another form or not at all."""

import datetime

from google.protobuf import json_format

from cloud.compute.v1 import container_pb2

LABEL = "yunqiao.request"
PERIOD = 100_000  # microseconds, of the processor's quota
MIB = 1 << 20
PREFIX, SUCCESSOR = "yq-", ".next"

STATES = {
    "created": "STOPPED", "configured": "STOPPED", "initialized": "STARTING", "running": "RUNNING", "paused": "PAUSED",
    "stopping": "STOPPING", "restarting": "RESTARTING", "removing": "DELETING",
}
KILLED = (137, 143)  # exit codes of what was stopped
NETWORKS = ("none", "host")  # what podman has beside its networks


def state_of(status, exit_code, restarts):
    """State by podman's status. One that is restarted when it ends by itself was
    stopped on request."""
    if status in ("exited", "stopped"):
        if restarts or exit_code in KILLED:
            name = "STOPPED"
        else:
            name = "FAILED" if exit_code else "SUCCEEDED"
    else:
        name = STATES.get(status, "UNSPECIFIED")
    return container_pb2.ContainerState.Value("CONTAINER_STATE_" + name)


def spec(name, request, secrets, ulimits):
    """The specification of a container for podman. secrets are the values of the
    request's secret variables by name."""
    environment = {v.name: secrets.get(v.name, v.value) for v in request.environment}
    wanted = {
        "name": name, "image": request.image, "env": environment, "r_limits": ulimits, "restart_policy": "always",
        "labels": {LABEL: label(request, secrets)},
        "resource_limits": {
            "cpu": {"period": PERIOD, "quota": request.cpu_millicores * PERIOD // 1000},
            "memory": {"limit": request.memory_mib * MIB},
        },
    }
    if request.command:
        wanted["entrypoint"] = list(request.command)
    if request.args:
        wanted["command"] = list(request.args)
    if request.subnet_id in NETWORKS:
        wanted["netns"] = {"nsmode": request.subnet_id}
    else:
        wanted["netns"], wanted["networks"] = {"nsmode": "bridge"}, {request.subnet_id: {}}
    return wanted


def label(request, secrets):
    """The request without what is secret, but with the names of what was."""
    kept = container_pb2.CreateContainerRequest()
    kept.CopyFrom(request)
    for variable in kept.environment:
        variable.ClearField("secret_value")
        if variable.name in secrets:
            variable.ClearField("value")
    text = json_format.MessageToDict(kept, preserving_proto_field_name=True)
    text["secret_names"] = sorted(secrets)
    return json_format.json.dumps(text, sort_keys=True)


def secrets_of(request):
    return {v.name: v.secret_value for v in request.environment if v.secret_value}


def asked(inspected):
    """The request that a container was made of with its secrets, or None for one
    that was made elsewhere."""
    text = (inspected["Config"].get("Labels") or {}).get(LABEL)
    if not text:
        return None, {}
    kept = json_format.json.loads(text)
    names = kept.pop("secret_names")
    environment = dict(pair.split("=", 1) for pair in inspected["Config"].get("Env") or [])
    return json_format.ParseDict(kept, container_pb2.CreateContainerRequest()), {name: environment.get(name, "") for name in names}


def to_proto(inspected, region):
    """A container by what podman's inspection tells."""
    name = inspected["Name"]
    limits, state = inspected["HostConfig"], inspected["State"]
    made = container_pb2.Container(
        id=name.removesuffix(SUCCESSOR), name=name, region_id=region, zone_id=region, image=inspected["ImageName"],
        memory_mib=limits["Memory"] // MIB, restart_count=inspected["RestartCount"], provider_state=state["Status"],
        cpu_millicores=limits["CpuQuota"] * 1000 // limits["CpuPeriod"] if limits["CpuPeriod"] else 0,
        args=inspected["Config"].get("Cmd") or [])
    restarts = limits["RestartPolicy"]["Name"] == "always"
    made.restart_policy = container_pb2.RESTART_POLICY_ALWAYS if restarts else container_pb2.RESTART_POLICY_NEVER
    request, _ = asked(inspected)
    if request:
        for field in ("name", "description", "subnet_id"):
            setattr(made, field, getattr(request, field))
        made.tags.update(request.tags)
        for field in ("command", "args", "environment", "ports", "security_group_ids"):
            made.ClearField(field)
            getattr(made, field).extend(getattr(request, field))
    made.state = state_of(state["Status"], state["ExitCode"], restarts)
    if name.endswith(SUCCESSOR):
        made.state = container_pb2.CONTAINER_STATE_UPDATING
    if state["Status"] in ("exited", "stopped"):
        made.exit_code = state["ExitCode"]
    set_time(made.created_at, inspected["Created"])
    set_time(made.started_at, state["StartedAt"])
    return made


def set_time(field, text):
    """Sets a time, which podman writes as RFC 3339 with nine digits; year 1 is none."""
    if not text.startswith("0001-"):
        at = datetime.datetime.fromisoformat(text[:19])
        field.FromDatetime(at)
        if not text.endswith("Z"):
            field.FromDatetime(datetime.datetime.fromisoformat(text[:19] + text[-6:]))
