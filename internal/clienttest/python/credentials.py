"""python3-grpcio shows what callers show. It reads one JSON object from its standard input, {"authority": PEM file, "schema": file,
"questions": [...]}, and prints a line of JSON for each question: who the handler saw, or the refusal."""
import json
import sys

import grpc
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

asked = json.load(sys.stdin)
patience = 20

pool = descriptor_pool.Default()
with open(asked["schema"], "rb") as f:
    for file in descriptor_pb2.FileDescriptorSet.FromString(f.read()).file:
        if not file.name.startswith("google/"):
            pool.Add(file)
factory = message_factory.MessageFactory(pool)

with open(asked["authority"], "rb") as f:
    authority = f.read()


def message(name):
    return factory.GetPrototype(pool.FindMessageTypeByName(name))


Echo = message("collector.testing.v1.EchoRequest")
Answer = message("collector.testing.v1.EchoResponse")
Any = message("google.protobuf.Any")


def connect(question):
    """A channel with a connection of its own."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
    key = certificate = None
    if question["certificate"]:
        certificate, key = question["certificate"].encode(), question["key"].encode()
    return grpc.secure_channel(question["address"], grpc.ssl_channel_credentials(authority, key, certificate), options)


def method(channel, service, name, shape):
    described = next(m for m in pool.FindServiceByName(service).methods if m.name == name)
    request, response = message(described.input_type.full_name), message(described.output_type.full_name)
    call = getattr(channel, shape)(
        f"/{service}/{name}", request_serializer=request.SerializeToString, response_deserializer=response.FromString)
    return call, request


def unary(channel, **shown):
    echo, request = method(channel, "collector.testing.v1.EchoService", "Echo", "unary_unary")
    return echo(request(), **shown).text


def server_stream(channel, **shown):
    count, request = method(channel, "collector.testing.v1.EchoService", "Count", "unary_stream")
    call = count(request(limit=1), **shown)
    list(call)
    return dict(call.initial_metadata()).get("x-caller", "")


def bidi(channel, **shown):
    converse, request = method(channel, "collector.testing.v1.EchoService", "Converse", "stream_stream")
    return list(converse(iter([request()]), **shown))[0].text


def envelope(name):
    def ask(channel, **shown):
        call, request = method(channel, "collector.CollectiveDispatcher", name, "unary_unary")
        asks = request(namespace="test", method_name="Echo", input=Any(type_url="type.googleapis.com/collector.testing.v1.EchoRequest"))
        asks.service.service_name = "EchoService"
        return Answer.FromString(call(asks, **shown).output.value).text
    return ask


ways = {"unary": unary, "server stream": server_stream, "bidi": bidi, "Dispatch": envelope("Dispatch"), "Serve": envelope("Serve")}


def credentials(tokens):
    """What the library itself sends as Authorization; it takes one token."""
    if len(tokens) == 1 and tokens[0].startswith("Bearer "):
        return grpc.access_token_call_credentials(tokens[0][len("Bearer "):])
    return None


for question in asked["questions"]:
    call = credentials(question["authorized"] or [])
    metadata = [("x-api-key", value) for value in question["keys"] or []]
    if call is None:
        metadata += [("authorization", value) for value in question["authorized"] or []]
    with connect(question) as channel:
        for way in question["ways"]:
            said = {"way": way, "caller": "", "code": 0, "text": "", "reason": ""}
            try:
                said["caller"] = ways[way](channel, timeout=patience, metadata=metadata, credentials=call)
            except grpc.RpcError as error:
                told = dict(list(error.initial_metadata() or []) + list(error.trailing_metadata() or []))
                said.update(code=error.code().value[0], text=error.details(), reason=told.get("collective-reason", ""))
            print(json.dumps(said), flush=True)
