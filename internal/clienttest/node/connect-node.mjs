import assert from "node:assert/strict";
import { Code, createClient, decodeBinaryHeader, encodeBinaryHeader } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { ask, bytes, failRequest, origin, patience, refused, service, trusted, variant } from "./cells.mjs";

const createTransport = { connect: createConnectTransport, grpc: createGrpcTransport, "grpc-web": createGrpcWebTransport }[variant];

function connect() {
  const nodeOptions = trusted ? { ca: trusted } : {};
  const sessionManager = new Http2SessionManager(origin, {}, nodeOptions);
  const transport = createTransport({ baseUrl: origin, httpVersion: "2", nodeOptions, sessionManager, defaultTimeoutMs: patience });
  return Object.assign(createClient(service, transport), { end: () => sessionManager.abort() });
}

async function* each(values) {
  yield* values;
}

const cells = {
  "unary": async (client) => assert.equal((await client.echo({ text: "hi" })).text, "hi on b"),

  "server stream": async (client) => {
    const numbers = [];
    for await (const answer of client.count({ limit: 3n })) numbers.push(answer.number);
    assert.deepEqual(numbers, [1n, 2n, 3n]);
  },

  "client stream": async (client) => {
    const numbers = Array.from({ length: 10 }, (_, n) => ({ number: BigInt(n) }));
    assert.equal((await client.collect(each(numbers))).sum, 45n);
  },

  "bidi": async (client) => {
    const answers = [];
    let answered;
    const first = new Promise((resolve) => (answered = resolve));
    async function* questions() {
      yield { text: "one" };
      await first; // the second question is asked when the first one is answered
      yield { text: "two" };
    }
    for await (const { text } of client.converse(questions())) {
      answers.push(text);
      answered();
    }
    assert.deepEqual(answers, ["one on b", "two on b"]);
  },

  "deadline": async (client) => {
    const left = Number((await client.echo({ text: "remaining" }, { timeoutMs: 5000 })).text);
    assert.ok(left > 1000 && left <= 5000, `the handler sees ${left} ms`);
    const error = await refused(client.echo({ text: "wait" }, { timeoutMs: 300 }));
    assert.equal(error.code, Code.DeadlineExceeded, error.message);
  },

  "metadata": async (client) => {
    const got = {};
    await client.echo({ text: "hi" }, {
      headers: { "x-echo": "hello", "x-echo-bin": encodeBinaryHeader(bytes) },
      onHeader: (header) => (got.header = header),
      onTrailer: (trailer) => (got.trailer = trailer),
    });
    for (const where of ["header", "trailer"]) {
      assert.equal(got[where].get(`x-echo-${where}`), "hello");
      assert.deepEqual(decodeBinaryHeader(got[where].get(`x-echo-${where}-bin`)), bytes);
    }
  },

  "error details": async (client) => {
    const error = await refused(client.fail({ code: 9, message: "why", detail: "more" }));
    assert.deepEqual([error.code, error.rawMessage], [Code.FailedPrecondition, "why"]);
    assert.deepEqual(error.findDetails(failRequest).map((d) => d.detail), ["more"]);
  },

  "unknown method": async (client) => {
    const error = await refused(client.nope({ text: "hi" }));
    assert.deepEqual([error.code, error.rawMessage.includes("Nope")], [Code.Unimplemented, true], error.message);
  },

  "unknown namespace": async (client) => {
    const error = await refused(client.echo({ text: "hi" }, { headers: { "collective-namespace": "nowhere" } }));
    assert.deepEqual([error.code, error.rawMessage.includes("nowhere")], [Code.NotFound, true], error.message);
  },

  "together": async (client) => {
    const headers = { "x-echo": `connect-node ${process.pid}` };
    const answers = await Promise.all(Array.from({ length: 100 }, () => client.echo({ text: "together" }, { headers })));
    assert.deepEqual(new Set(answers.map((a) => a.text)), new Set(["together on b"]));
  },

  "big header": async (client) => {
    const stop = new AbortController();
    let over = false;
    client.echo({ text: "wait" }, { signal: stop.signal }).catch(() => (over = true));
    await client.echo({ text: "hi" });
    const error = await refused(client.echo({ text: "hi" }, { headers: { "x-big": "x".repeat(40 << 10) } }));
    assert.equal(error.code, Code.ResourceExhausted, error.message);
    assert.equal((await client.echo({ text: "hi" })).text, "hi on b");
    assert.equal(over, false, "the call beside it has ended");
    stop.abort();
  },
};

await ask(cells, connect, (client) => client.end());
