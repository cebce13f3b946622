"""Errors of the contract: a gRPC code that belongs to the reason, and details."""

import functools
import logging

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from cloud.api.v1 import error_pb2
from cloud.driver.v1 import driver_pb2

from . import call

DOMAIN = "yunqiao"
MAX_FAULT_BYTES = 2048  # statuses travel in HTTP/2 headers, which are limited

CODES = {code.value[0]: code for code in grpc.StatusCode}

log = logging.getLogger("podman-python")


class DriverError(Exception):
    """An error with a reason of cloud.api.v1.Reason, by its name without prefix.

    info: field, resource, native_id, feature. violation: what is wrong with the
    field, in words for the client. fault: the cloud's own words, for logs only.
    """

    def __init__(self, reason, violation="", fault="", **info):
        super().__init__(reason)
        self.reason, self.violation, self.fault = reason, violation, fault
        self.info = {key: str(value) for key, value in info.items() if value}

    def status(self):
        code = code_of(self.reason)
        details = [error_details_pb2.ErrorInfo(reason=self.reason, domain=DOMAIN, metadata=self.info)]
        if self.violation:
            details.append(error_details_pb2.BadRequest(field_violations=[
                {"field": self.info.get("field", ""), "description": self.violation}]))
        if self.fault:
            details.append(driver_pb2.ProviderFault(text=self.fault[:MAX_FAULT_BYTES]))
        packed = []
        for detail in details:
            packed.append(any_pb2.Any())
            packed[-1].Pack(detail)
        return status_pb2.Status(code=code.value[0], message=self.reason, details=packed)


def code_of(reason):
    value = error_pb2.Reason.DESCRIPTOR.values_by_name["REASON_" + reason]
    return CODES[value.GetOptions().Extensions[error_pb2.error].grpc_code]


def not_found(resource, native_id):
    return DriverError("NOT_FOUND", resource=resource, native_id=native_id)


def rejected(field, words):
    return DriverError("PARAMETER_REJECTED", field=field, violation=words)


def rpc(method):
    """Makes an rpc of a method (self, request, call): it tells errors in the form
    of the contract, and a bug is the failure of that one call."""

    @functools.wraps(method)
    def serve(self, request, context):
        current = call.Call(context)
        try:
            return method(self, request, current)
        except DriverError as error:
            failure = error
        except Exception as error:  # pylint: disable=broad-except
            log.error("bug in the driver", exc_info=True, extra={"facts": current.facts(method.__name__)})
            failure = DriverError("DRIVER_FAULT", fault=repr(error))
        finally:
            current.send_trailer()
        status = failure.status()
        log.warning("call failed", extra={"facts": dict(current.facts(method.__name__), reason=failure.reason, provider_fault=failure.fault)})
        current.trailer.append(("grpc-status-details-bin", status.SerializeToString()))
        current.send_trailer()
        context.abort(CODES[status.code], status.message)

    return serve
