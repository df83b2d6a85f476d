"""python3-grpcio, without generated code: see matrix/doc.go for the arguments and what is printed."""
import json
import os
import queue
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

address, authority, schema = sys.argv[1:4]
patience = 10

pool = descriptor_pool.DescriptorPool()
with open(schema, "rb") as f:
    for file in descriptor_pb2.FileDescriptorSet.FromString(f.read()).file:
        pool.Add(file)
factory = message_factory.MessageFactory(pool)


def message(name):
    return factory.GetPrototype(pool.FindMessageTypeByName(name))


Status = message("google.rpc.Status")
service = pool.FindServiceByName("collector.testing.v1.EchoService")


def connect():
    """A channel with a connection of its own."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
    if not authority:
        return grpc.insecure_channel(address, options)
    with open(authority, "rb") as f:
        return grpc.secure_channel(address, grpc.ssl_channel_credentials(f.read()), options)


def method(channel, name, shape="unary_unary"):
    """A method of the service, and the class of its requests."""
    described = next(m for m in service.methods if m.name == name)
    request, response = message(described.input_type.full_name), message(described.output_type.full_name)
    call = getattr(channel, shape)(
        f"/{service.full_name}/{name}", request_serializer=request.SerializeToString, response_deserializer=response.FromString)
    return call, request


def check(want, got):
    if want != got:
        raise AssertionError(f"want {want!r}, got {got!r}")


def refused(call, *args, **kwargs):
    """The error of a call that must fail."""
    try:
        result = call(*args, timeout=kwargs.pop("timeout", patience), **kwargs)
    except grpc.RpcError as error:
        return error
    raise AssertionError(f"no error but {result!r}")


def unary(channel):
    echo, request = method(channel, "Echo")
    check("hi on b", echo(request(text="hi"), timeout=patience).text)


def server_stream(channel):
    count, request = method(channel, "Count", "unary_stream")
    check([1, 2, 3], [r.number for r in count(request(limit=3), timeout=patience)])


def client_stream(channel):
    collect, request = method(channel, "Collect", "stream_unary")
    check(45, collect((request(number=n) for n in range(10)), timeout=patience).sum)


def bidi(channel):
    """The second question is asked when the first one is answered."""
    converse, request = method(channel, "Converse", "stream_stream")
    questions = queue.SimpleQueue()
    questions.put(request(text="one"))
    answers = converse(iter(questions.get, None), timeout=patience)
    check("one on b", next(answers).text)
    questions.put(request(text="two"))
    check("two on b", next(answers).text)
    questions.put(None)
    check([], list(answers))


def deadline(channel):
    echo, request = method(channel, "Echo")
    left = int(echo(request(text="remaining"), timeout=5).text)
    check(True, 1000 < left <= 5000)
    check(grpc.StatusCode.DEADLINE_EXCEEDED, refused(echo, request(text="wait"), timeout=0.3).code())


def metadata(channel):
    echo, request = method(channel, "Echo")
    sent = [("x-echo", "hello"), ("x-echo-bin", b"\x00\x01\xfe\xff")]
    _, call = echo.with_call(request(text="hi"), timeout=patience, metadata=sent)
    for where, got in (("header", call.initial_metadata()), ("trailer", call.trailing_metadata())):
        check("hello", dict(got).get(f"x-echo-{where}"))
        check(b"\x00\x01\xfe\xff", dict(got).get(f"x-echo-{where}-bin"))


def details(channel):
    fail, request = method(channel, "Fail")
    error = refused(fail, request(code=9, message="why", detail="more"))
    check((grpc.StatusCode.FAILED_PRECONDITION, "why"), (error.code(), error.details()))
    status = Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    check((9, "why", 1), (status.code, status.message, len(status.details)))
    check("type.googleapis.com/" + request.DESCRIPTOR.full_name, status.details[0].type_url)
    check("more", request.FromString(status.details[0].value).detail)


def unknown_method(channel):
    nope, request = method(channel, "Nope")
    error = refused(nope, request(text="hi"))
    check((grpc.StatusCode.UNIMPLEMENTED, True), (error.code(), "Nope" in error.details()))


def unknown_namespace(channel):
    echo, request = method(channel, "Echo")
    error = refused(echo, request(text="hi"), metadata=[("collective-namespace", "nowhere")])
    check((grpc.StatusCode.NOT_FOUND, True), (error.code(), "nowhere" in error.details()))


def together(channel):
    echo, request = method(channel, "Echo")
    sent = [("x-echo", f"python {os.getpid()}")]
    calls = [echo.future(request(text="together"), timeout=patience, metadata=sent) for _ in range(100)]
    check({"together on b"}, {call.result().text for call in calls})


def big_header(channel):
    echo, request = method(channel, "Echo")
    waiting = echo.future(request(text="wait"), timeout=patience)
    echo(request(text="hi"), timeout=patience)
    error = refused(echo, request(text="hi"), metadata=[("x-big", "x" * (40 << 10))])
    check(grpc.StatusCode.RESOURCE_EXHAUSTED, error.code())
    check("hi on b", echo(request(text="hi"), timeout=patience).text)
    check(False, waiting.done())
    waiting.cancel()


cells = {
    "unary": unary, "server stream": server_stream, "client stream": client_stream, "bidi": bidi, "deadline": deadline,
    "metadata": metadata, "error details": details, "unknown method": unknown_method,
    "unknown namespace": unknown_namespace, "together": together, "big header": big_header,
}
for cell, ask in cells.items():
    line = {"cell": cell}
    with connect() as channel:
        try:
            ask(channel)
        except Exception as error:  # whatever it is, the next cell is asked
            line["problem"] = f"{type(error).__name__}: {error}"
    print(json.dumps(line), flush=True)
