"""Asks a server for its health with grpcio-health-checking, and prints what it says as one line of JSON."""

import json
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

SECONDS = 10


def name_of(status):
    return health_pb2.HealthCheckResponse.ServingStatus.Name(status)


def check(stub, service):
    try:
        return name_of(stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=SECONDS).status)
    except grpc.RpcError as error:
        return error.code().name


def watch(stub, service):
    """The first that a watch says."""
    answers = stub.Watch(health_pb2.HealthCheckRequest(service=service), timeout=SECONDS)
    try:
        return name_of(next(answers).status)
    except grpc.RpcError as error:
        return error.code().name
    finally:
        answers.cancel()


def main(address, services):
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        checked = {service: check(stub, service) for service in services}
        watched = {service: watch(stub, service) for service in services}
    print(json.dumps({"check": checked, "watch": watched}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
