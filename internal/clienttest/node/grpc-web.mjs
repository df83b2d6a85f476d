// Google's grpc-web is made for browsers; xhr2 gives it the XMLHttpRequest it asks for.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { ask, bytes, failRequest, message, origin, patience, refused, service, status, variant } from "./cells.mjs";

const require = createRequire(import.meta.url);
globalThis.XMLHttpRequest = require("xhr2");
const { GrpcWebClientBase, MethodDescriptor, MethodType, StatusCode } = require("grpc-web");

const connect = () => new GrpcWebClientBase({ format: variant });

/** What a call of a method consists of; grpc-web knows deadlines as a time in metadata. */
function call(name, init, sent = {}, ms = patience) {
  const method = service.methods.find((m) => m.name === name);
  const path = `/${service.typeName}/${name}`;
  const kind = method.methodKind === "unary" ? MethodType.UNARY : MethodType.SERVER_STREAMING;
  const described = new MethodDescriptor(path, kind, Object, Object, (m) => toBinary(method.input, m), (data) => fromBinary(method.output, data));
  return [origin + path, create(method.input, init), { deadline: String(Date.now() + ms), ...sent }, described];
}

/** A unary call as a promise of the answer and what came with it. */
function unary(client, ...args) {
  return new Promise((resolve, reject) => {
    const got = {};
    const stream = client.rpcCall(...call(...args), (error, answer) => (error ? reject(error) : (got.answer = answer)));
    stream.on("metadata", (header) => (got.header = header));
    stream.on("status", (end) => (got.trailer = end.metadata));
    stream.on("end", () => resolve(got));
  });
}

const text = (got) => got.answer?.text;
const decoded = (value) => Uint8Array.from(Buffer.from(value ?? "", "base64"));

const cells = {
  "unary": async (client) => assert.equal(text(await unary(client, "Echo", { text: "hi" })), "hi on b"),

  "server stream": async (client) => {
    const numbers = await new Promise((resolve, reject) => {
      const all = [];
      const stream = client.serverStreaming(...call("Count", { limit: 3n }));
      stream.on("data", (answer) => all.push(answer.number));
      stream.on("error", reject);
      stream.on("end", () => resolve(all));
    });
    assert.deepEqual(numbers, [1n, 2n, 3n]);
  },

  "deadline": async (client) => {
    const left = Number(text(await unary(client, "Echo", { text: "remaining" }, {}, 5000)));
    assert.ok(left > 1000 && left <= 5000, `the handler sees ${left} ms`);
    const error = await refused(unary(client, "Echo", { text: "wait" }, {}, 300));
    assert.equal(error.code, StatusCode.DEADLINE_EXCEEDED, error.message);
  },

  "metadata": async (client) => {
    const got = await unary(client, "Echo", { text: "hi" }, { "x-echo": "hello", "x-echo-bin": Buffer.from(bytes).toString("base64") });
    for (const where of ["header", "trailer"]) {
      assert.equal(got[where]?.[`x-echo-${where}`], "hello");
      assert.deepEqual(decoded(got[where][`x-echo-${where}-bin`]), bytes);
    }
  },

  "error details": async (client) => {
    const error = await refused(unary(client, "Fail", { code: 9, message: "why", detail: "more" }));
    assert.deepEqual([error.code, error.message], [9, "why"]);
    const told = fromBinary(status, decoded(error.metadata["grpc-status-details-bin"]));
    assert.deepEqual([told.code, told.message, told.details.length], [9, "why", 1]);
    assert.equal(anyUnpack(told.details[0], failRequest).detail, "more");
  },

  "unknown method": async (client) => {
    const error = await refused(unary(client, "Nope", { text: "hi" }));
    assert.deepEqual([error.code, error.message.includes("Nope")], [12, true], error.message);
  },

  "unknown namespace": async (client) => {
    const error = await refused(unary(client, "Echo", { text: "hi" }, { "collective-namespace": "nowhere" }));
    assert.deepEqual([error.code, error.message.includes("nowhere")], [5, true], error.message);
  },

  "together": async (client) => {
    const sent = { "x-echo": `grpc-web ${process.pid}` };
    const answers = await Promise.all(Array.from({ length: 100 }, () => unary(client, "Echo", { text: "together" }, sent)));
    assert.deepEqual(new Set(answers.map(text)), new Set(["together on b"]));
  },
};

await ask(cells, connect, () => {});
process.exit(0); // an XMLHttpRequest that was given up keeps its socket
