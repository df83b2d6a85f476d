import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { address, ask, bytes, failRequest, patience, refused, service, status, trusted } from "./cells.mjs";

const connect = () =>
  new grpc.Client(address, trusted ? grpc.credentials.createSsl(trusted) : grpc.credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_http_proxy": 0,
  });

/** What a call of a method begins with: path, encoder, decoder. */
function call(name) {
  const method = service.methods.find((m) => m.name === name);
  return [
    `/${service.typeName}/${name}`,
    (init) => Buffer.from(toBinary(method.input, create(method.input, init))),
    (data) => fromBinary(method.output, data),
  ];
}

const within = (ms = patience) => ({ deadline: Date.now() + ms });

function metadata(pairs = {}) {
  const all = new grpc.Metadata();
  for (const [name, value] of Object.entries(pairs)) all.set(name, value);
  return all;
}

/** A unary call as a promise; watch sees the call. */
function unary(client, name, init, { sent, options = within(), watch = () => {} } = {}) {
  return new Promise((resolve, reject) =>
    watch(client.makeUnaryRequest(...call(name), init, metadata(sent), options, (error, answer) => (error ? reject(error) : resolve(answer)))),
  );
}

const cells = {
  "unary": async (client) => assert.equal((await unary(client, "Echo", { text: "hi" })).text, "hi on b"),

  "server stream": async (client) => {
    const numbers = [];
    for await (const answer of client.makeServerStreamRequest(...call("Count"), { limit: 3n }, metadata(), within())) numbers.push(answer.number);
    assert.deepEqual(numbers, [1n, 2n, 3n]);
  },

  "client stream": (client) =>
    new Promise((resolve, reject) => {
      const stream = client.makeClientStreamRequest(...call("Collect"), metadata(), within(), (error, answer) =>
        error || answer.sum !== 45n ? reject(error ?? new Error(`the sum is ${answer.sum}`)) : resolve(),
      );
      for (let number = 0n; number < 10n; number++) stream.write({ number });
      stream.end();
    }),

  "bidi": async (client) => {
    const stream = client.makeBidiStreamRequest(...call("Converse"), metadata(), within());
    const answers = [];
    stream.write({ text: "one" });
    for await (const { text } of stream) {
      answers.push(text);
      if (answers.length === 1) stream.write({ text: "two" }); // asked when the first one is answered
      else stream.end();
    }
    assert.deepEqual(answers, ["one on b", "two on b"]);
  },

  "deadline": async (client) => {
    const left = Number((await unary(client, "Echo", { text: "remaining" }, { options: within(5000) })).text);
    assert.ok(left > 1000 && left <= 5000, `the handler sees ${left} ms`);
    const error = await refused(unary(client, "Echo", { text: "wait" }, { options: within(300) }));
    assert.equal(error.code, grpc.status.DEADLINE_EXCEEDED, error.message);
  },

  "metadata": async (client) => {
    const got = {};
    const ended = new Promise((resolve) => {
      const watch = (stream) => {
        stream.on("metadata", (header) => (got.header = header));
        stream.on("status", (end) => resolve((got.trailer = end.metadata)));
      };
      unary(client, "Echo", { text: "hi" }, { sent: { "x-echo": "hello", "x-echo-bin": Buffer.from(bytes) }, watch }).catch(resolve);
    });
    await ended;
    for (const where of ["header", "trailer"]) {
      assert.deepEqual(got[where]?.get(`x-echo-${where}`), ["hello"]);
      assert.deepEqual(got[where].get(`x-echo-${where}-bin`), [Buffer.from(bytes)]);
    }
  },

  "error details": async (client) => {
    const error = await refused(unary(client, "Fail", { code: 9, message: "why", detail: "more" }));
    assert.deepEqual([error.code, error.details], [9, "why"]);
    const told = fromBinary(status, error.metadata.get("grpc-status-details-bin")[0]);
    assert.deepEqual([told.code, told.message, told.details.length], [9, "why", 1]);
    assert.equal(anyUnpack(told.details[0], failRequest).detail, "more");
  },

  "unknown method": async (client) => {
    const error = await refused(unary(client, "Nope", { text: "hi" }));
    assert.deepEqual([error.code, error.details.includes("Nope")], [12, true], error.message);
  },

  "unknown namespace": async (client) => {
    const error = await refused(unary(client, "Echo", { text: "hi" }, { sent: { "collective-namespace": "nowhere" } }));
    assert.deepEqual([error.code, error.details.includes("nowhere")], [5, true], error.message);
  },

  "together": async (client) => {
    const sent = { "x-echo": `grpc-js ${process.pid}` };
    const answers = await Promise.all(Array.from({ length: 100 }, () => unary(client, "Echo", { text: "together" }, { sent })));
    assert.deepEqual(new Set(answers.map((a) => a.text)), new Set(["together on b"]));
  },

  "big header": async (client) => {
    let waits;
    let over = false;
    unary(client, "Echo", { text: "wait" }, { watch: (stream) => (waits = stream) }).catch(() => (over = true));
    await unary(client, "Echo", { text: "hi" });
    const error = await refused(unary(client, "Echo", { text: "hi" }, { sent: { "x-big": "x".repeat(40 << 10) } }));
    assert.equal(error.code, grpc.status.RESOURCE_EXHAUSTED, error.message);
    assert.equal((await unary(client, "Echo", { text: "hi" })).text, "hi on b");
    assert.equal(over, false, "the call beside it has ended");
    waits.cancel();
  },
};

await ask(cells, connect, (client) => client.close());
