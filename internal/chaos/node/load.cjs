// A plan of package load, carried out by grpc-js. The plan comes by standard input, as JSON on a line.
"use strict";
const fs = require("node:fs");
const readline = require("node:readline");
const grpc = require("@grpc/grpc-js");

const names = ["", "canceled", "unknown", "invalid_argument", "deadline_exceeded", "not_found", "already_exists", "permission_denied",
  "resource_exhausted", "failed_precondition", "aborted", "out_of_range", "unimplemented", "internal", "unavailable", "data_loss", "unauthenticated"];

function varint(number) {
  const bytes = [];
  let rest = BigInt(number);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

/** The fields of a message: numbers of varints, bytes of the others. */
function* fields(message) {
  for (let at = 0; at < message.length; ) {
    const read = () => {
      let value = 0n;
      for (let shift = 0n; ; shift += 7n) {
        const byte = message[at++];
        value |= BigInt(byte & 127) << shift;
        if (byte < 128) return Number(value);
      }
    };
    const key = read();
    const value = read();
    if ((key & 7) === 0) yield [key >> 3, value];
    else yield [key >> 3, message.subarray(at, (at += value))];
  }
}

const encode = (call) => Buffer.concat([Buffer.from([8]), varint(call.id), Buffer.from([16]), varint(call.work)]);

function decode(message) {
  for (const [number, value] of fields(message)) if (number === 1) return value;
  return 0;
}

/** What the mesh says of a failure: in google.rpc.Status (3: details) an Any (1: type, 2: value) of CallFailure. */
function failure(error) {
  const said = { code: names[error.code] || "unknown", message: error.details };
  for (const status of (error.metadata && error.metadata.get("grpc-status-details-bin")) || []) {
    for (const [number, any] of fields(status)) {
      if (number !== 3) continue;
      const detail = new Map(fields(any));
      if (!String(detail.get(1)).endsWith("collector.mesh.v1.CallFailure")) continue;
      const failed = new Map(fields(detail.get(2) || Buffer.alloc(0)));
      said.reason = String(failed.get(1) || "");
      said.didNotRun = !failed.get(2);
    }
  }
  return said;
}

function carryOut(plan) {
  const out = fs.createWriteStream(plan.Outcomes);
  const target = "ipv4:" + plan.Fronts.map((front) => front.Address).join(",");
  const client = new grpc.Client(target, grpc.credentials.createInsecure(), {
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    "grpc.initial_reconnect_backoff_ms": 50,
    "grpc.max_reconnect_backoff_ms": 200,
    "grpc.enable_http_proxy": 0,
  });
  const milli = 1e6;
  const origin = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
  const now = () => process.hrtime.bigint() + origin;
  const call = (method, of, timeout, done) =>
    client.makeUnaryRequest("/chaos.v1.WorkService/" + method, encode, decode, of, new grpc.Metadata(), { deadline: Date.now() + timeout }, done);

  const began = now() + 1_000_000_000n; // after it has connected
  const { Rate: rate, For: span } = plan.Phases[0];
  const calls = Math.floor((rate * span) / 1e9);
  let running = calls;
  const one = (number) => {
    const planned = began + BigInt(Math.floor((number * 1e9) / rate));
    setTimeout(() => {
      const write = (number * 617) % 1000 < plan.Writes;
      const id = plan.Number * 2 ** 32 + number + 1;
      const work = (number * 389) % 1000 < plan.Long ? plan.LongWork : plan.Work;
      const o = { id, client: "grpc-js", write, planned: Number(planned), began: Number(now()) };
      call(write ? "Write" : "Read", { id, work: Math.round(work / milli) }, plan.Timeout / milli, (error, answered) => {
        Object.assign(o, { ended: Number(now()) }, error ? failure(error) : { answered });
        out.write(JSON.stringify(o) + "\n");
        if (--running === 0) out.end(() => process.exit(0));
      });
    }, Math.max(0, Number(planned - now()) / milli));
  };
  call("Read", { id: 0, work: 0 }, 5000, (error) => {
    if (error) throw error;
    console.log(String(began));
    for (let number = 0; number < calls; number++) one(number);
  });
}

readline.createInterface({ input: process.stdin }).once("line", (line) => carryOut(JSON.parse(line)));
