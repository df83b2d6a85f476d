// What the clients for Node have in common: their arguments, the schema, and a line of JSON for each cell.
// See matrix/doc.go.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const [, , address, authority, schema] = process.argv;

/** What comes after the arguments that every client gets. */
export const variant = process.argv[5];
export { address, authority };
export const origin = `${authority ? "https" : "http"}://${address}`;
export const trusted = authority ? readFileSync(authority) : undefined;

/** How long a call may take that should be answered, in milliseconds. */
export const patience = 10_000;
export const bytes = Uint8Array.of(0, 1, 0xfe, 0xff);

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(schema)));
export const service = registry.getService("collector.testing.v1.EchoService");
export const message = (name) => registry.getMessage(name);
export const failRequest = message("collector.testing.v1.FailRequest");
export const status = message("google.rpc.Status");

/** Waits for the error of a call that must fail. */
export async function refused(call) {
  let answer;
  try {
    answer = await call;
  } catch (error) {
    return error;
  }
  assert.fail(`no error but ${JSON.stringify(answer)}`);
}

/** Asks one cell after the other. connect makes a client with a connection of its own, close ends it. */
export async function ask(cells, connect, close) {
  for (const [cell, check] of Object.entries(cells)) {
    const line = { cell };
    const client = connect();
    try {
      await check(client);
    } catch (error) {
      line.problem = String(error.stack ?? error).split("\n    at ")[0];
    }
    close(client);
    console.log(JSON.stringify(line));
  }
}
