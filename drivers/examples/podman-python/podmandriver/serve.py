"""The driver's process: go-plugin's handshake on a unix socket, or a server at
an address with mutual TLS. It ends with the gateway that started it."""

import argparse
import base64
import concurrent.futures
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

import grpc

from cloud.compute.v1 import container_pb2_grpc
from cloud.driver.v1 import driver_pb2_grpc

from . import containers, driver

COOKIE = ("YUNQIAO_DRIVER", "b2d4a3f0-5c0e-4d0b-9d5c-7f1f7a6f3c55")
CORE_PROTOCOL = 1  # of go-plugin's handshake
CONTRACT_VERSION = 1
MAX_MESSAGE_BYTES = 64 << 20
THREADS = 32

log = logging.getLogger("podman-python")


def main(args):
    parser = argparse.ArgumentParser(prog="podman-python", description=__doc__)
    parser.add_argument("--listen", metavar="HOST:PORT", help="serve at an address instead of for the gateway that started it")
    for name in ("ca", "cert", "key"):
        parser.add_argument("--tls-" + name, metavar="FILE", help="PEM file for --listen")
    options = parser.parse_args(args)
    log_as_json()
    if options.listen:
        serve_at(options)
    else:
        serve_gateway()


def new_server():
    accounts = driver.Accounts()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(THREADS), options=[
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES), ("grpc.max_send_message_length", MAX_MESSAGE_BYTES)])
    driver_pb2_grpc.add_DriverServiceServicer_to_server(driver.Driver(accounts), server)
    container_pb2_grpc.add_ContainerServiceServicer_to_server(containers.Containers(accounts), server)
    return server


def serve_at(options):
    if not (options.tls_ca and options.tls_cert and options.tls_key):
        sys.exit("--listen needs --tls-ca, --tls-cert and --tls-key")
    key, cert, authority = (read(path) for path in (options.tls_key, options.tls_cert, options.tls_ca))
    server = new_server()
    health(server)
    port = server.add_secure_port(options.listen, grpc.ssl_server_credentials([(key, cert)], authority, True))
    server.start()
    print("listening on port %d" % port, flush=True)
    server.wait_for_termination()


def serve_gateway():
    """Follows go-plugin's docs/guide-plugin-write-non-go.md."""
    if os.environ.get(COOKIE[0]) != COOKIE[1]:
        sys.exit("This is a driver of Yunqiao; the gateway starts it. See --help.")
    if str(CONTRACT_VERSION) not in os.environ.get("PLUGIN_PROTOCOL_VERSIONS", "").split(","):
        sys.exit("the gateway speaks contract versions %s, not %d" % (os.environ.get("PLUGIN_PROTOCOL_VERSIONS"), CONTRACT_VERSION))
    follow_parent()
    server = new_server()
    health(server)
    path = os.path.join(tempfile.mkdtemp(dir=os.environ.get("PLUGIN_UNIX_SOCKET_DIR") or None), "plugin")
    client = os.environ.get("PLUGIN_CLIENT_CERT", "").encode()
    told = ""
    if client:
        key, cert, der = own_certificate()
        server.add_secure_port("unix:" + path, grpc.ssl_server_credentials([(key, cert)], client, True))
        told = base64.b64encode(der).decode().rstrip("=")
    else:
        server.add_insecure_port("unix:" + path)
    controller(server)
    server.start()
    print("%d|%d|unix|%s|grpc|%s" % (CORE_PROTOCOL, CONTRACT_VERSION, path, told), flush=True)
    server.wait_for_termination()


def own_certificate():
    """A key and a certificate for this one start, as AutoMTLS wants them."""
    with tempfile.TemporaryDirectory() as folder:
        key, cert = os.path.join(folder, "key"), os.path.join(folder, "cert")
        subprocess.run(["/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", cert, "-days", "3650", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        pem = read(cert)
        body = b"".join(line for line in pem.splitlines() if not line.startswith(b"-----"))
        return read(key), pem, base64.b64decode(body)


def health(server):
    """grpc.health.v1: serving (1), always."""
    add(server, "grpc.health.v1.Health", "Check", lambda request, context: b"\x08\x01")


def controller(server):
    """go-plugin's farewell."""

    def shutdown(request, context):
        threading.Thread(target=lambda: server.stop(1).wait() and os._exit(0), daemon=True).start()
        return b""

    add(server, "plugin.GRPCController", "Shutdown", shutdown)


def add(server, service, method, handler):
    """Serves one rpc whose messages stay bytes."""
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {
        method: grpc.unary_unary_rpc_method_handler(handler)}),))


def follow_parent():
    """Ends the process when the gateway is gone: the pipe it left open ends then."""
    number = os.environ.get("YUNQIAO_PARENT_FD")
    if not number:
        return
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a service manager's; the gateway still needs us

    def wait():
        while os.read(int(number), 1024):
            pass
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


class JSONLines(logging.Formatter):
    """The form of log lines that the gateway reads."""

    def format(self, record):
        line = {"@level": record.levelname.lower().replace("warning", "warn"), "@message": record.getMessage(),
                "@timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + ".%06dZ" % (record.msecs * 1000)}
        line.update(getattr(record, "facts", {}))
        if record.exc_info:
            line["stack"] = self.formatException(record.exc_info)
        return json.dumps(line)


def log_as_json():
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONLines())
    logging.basicConfig(level={"WARN": "WARNING"}.get(level := os.environ.get("YUNQIAO_LOG_LEVEL", "INFO"), level), handlers=[handler])
    logging.getLogger("grpc").setLevel(logging.CRITICAL)  # it logs a stack for each rpc that is not implemented


def read(path):
    with open(path, "rb") as file:
        return file.read()
