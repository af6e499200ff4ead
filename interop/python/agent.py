"""An agent on grpcio: dials a controller of Aperture's reverse RPC, and answers what go/aperture/agent answers.

It prints what happens as lines of JSON, as that one does, and ends when its standard input ends. Its messages are made
from proto/ by grpcio-tools (partners/python.ts does that).
"""

import argparse
import json
import queue
import sys
import threading
import time

import grpc
from aperture.rpc.v1 import rpc_pb2
from google.protobuf import any_pb2, duration_pb2, empty_pb2, struct_pb2, wrappers_pb2
from google.protobuf.message import DecodeError
from google.rpc import status_pb2

CONNECT = "/aperture.rpc.v1.Coordinator/Connect"
UNKNOWN, INVALID_ARGUMENT, UNIMPLEMENTED = 2, 3, 12

printing = threading.Lock()


def tell(event, **about):
    with printing:
        print(json.dumps({"event": event, **about}), flush=True)


class Failure(Exception):
    """What a function raises to answer with a code of its own."""

    def __init__(self, code, message, *details):
        super().__init__(message)
        self.code = code
        self.details = details


class Task:
    """A request under way until `deadline`; `stop` is set when it is cancelled or its stream has ended."""

    def __init__(self, request):
        timeout = request.timeout
        self.deadline = time.monotonic() + timeout.seconds + timeout.nanos / 1e9
        self.stop = threading.Event()

    def sleep(self, seconds):
        """Says how it ended: done, or why not."""
        left = self.deadline - time.monotonic()
        tell("sleeping", leftMs=round(left * 1000))
        if self.stop.wait(max(0, min(seconds, left))):
            return "context canceled"
        return "done" if seconds <= left else "context deadline exceeded"


def fail(code, _task):
    if code.value == 0:
        raise ValueError("failed without a code")
    detail = any_pb2.Any()
    detail.Pack(code)
    raise Failure(code.value, f"failed as asked: {code.value}", detail)


def sleep(duration, task):
    end = task.sleep(duration.ToTimedelta().total_seconds())
    tell("slept", end=end)
    if end != "done":
        raise TimeoutError(end)
    return wrappers_pb2.StringValue(value="slept")


def functions(name):
    """The function for each type of request: (message, task) to message."""
    table = {
        wrappers_pb2.StringValue: lambda text, _: wrappers_pb2.StringValue(value=text.value.upper()),
        struct_pb2.Struct: lambda value, _: value,
        wrappers_pb2.BytesValue: lambda value, _: value,
        wrappers_pb2.UInt32Value: lambda size, _: wrappers_pb2.BytesValue(value=bytes(size.value)),
        empty_pb2.Empty: lambda _, __: wrappers_pb2.StringValue(value=name),
        wrappers_pb2.Int64Value: fail,
        duration_pb2.Duration: sleep,
    }
    return {kind.DESCRIPTOR.full_name: (kind, function) for kind, function in table.items()}


class Session:
    """One stream: its requests under way, and what waits to be sent on it."""

    def __init__(self, name, table):
        self.table = table
        self.outgoing = queue.SimpleQueue()
        self.outgoing.put(rpc_pb2.ClientToServer(hello={"name": name}))
        self.running = {}
        self.lock = threading.Lock()

    def messages(self):
        """What is sent; it ends with the None that `end` puts."""
        return iter(self.outgoing.get, None)

    def handle(self, command):
        kind = command.WhichOneof("command")
        if kind == "request":
            task = Task(command.request)
            with self.lock:
                self.running[command.request.id] = task
            threading.Thread(target=self.answer, args=(command.request, task), daemon=True).start()
        elif kind == "cancel_id":
            with self.lock:
                task = self.running.pop(command.cancel_id, None)
            tell("cancel", id=command.cancel_id, known=task is not None)
            if task is not None:
                task.stop.set()

    def answer(self, request, task):
        response = rpc_pb2.Response(id=request.id)
        try:
            response.payload = self.call(request.payload, task).SerializeToString()
        except Failure as failure:
            error = status_pb2.Status(code=failure.code, message=str(failure), details=failure.details)
            response.error.CopyFrom(error)
        except Exception as error:
            response.error.CopyFrom(status_pb2.Status(code=UNKNOWN, message=str(error)))
        with self.lock:
            wanted = self.running.pop(request.id, None) is not None
        if wanted:
            self.outgoing.put(rpc_pb2.ClientToServer(response=response))

    def call(self, payload, task):
        name = payload.type_url.rpartition("/")[2]
        if name not in self.table:
            raise Failure(UNIMPLEMENTED, f"no function for {name}")
        kind, function = self.table[name]
        try:
            message = kind.FromString(payload.value)
        except DecodeError as error:
            raise Failure(INVALID_ARGUMENT, str(error)) from error
        return function(message, task)

    def end(self):
        self.outgoing.put(None)
        with self.lock:
            for task in self.running.values():
                task.stop.set()
            self.running.clear()


def run(address, name, reconnect_ms):
    table = functions(name)
    options = [("grpc.initial_reconnect_backoff_ms", reconnect_ms)]
    with grpc.insecure_channel(address, options=options) as channel:
        connect = channel.stream_stream(
            CONNECT,
            request_serializer=rpc_pb2.ClientToServer.SerializeToString,
            response_deserializer=rpc_pb2.ServerToClient.FromString,
        )
        while True:
            session = Session(name, table)
            stream = connect(session.messages())
            tell("connected")
            try:
                for command in stream:
                    session.handle(command)
            except grpc.RpcError:
                # The code says what happened.
                pass
            session.end()
            tell("disconnected", code=code_of(stream), message=stream.details())
            time.sleep(reconnect_ms / 1000)


def code_of(stream):
    """The code as Go's gRPC says it."""
    if stream.code() is grpc.StatusCode.OK:
        return "OK"
    return "".join(part.capitalize() for part in stream.code().name.split("_")).replace("Cancelled", "Canceled")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", required=True)
    parser.add_argument("--name", default="agent")
    parser.add_argument("--reconnect-ms", type=int, default=10_000)
    flags = parser.parse_args()
    threading.Thread(target=run, args=(flags.address, flags.name, flags.reconnect_ms), daemon=True).start()
    sys.stdin.read()
