// Pages of another origin, in a real browser: the listed one calls, the other does not.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { open } from "../browser.mjs";
import { call, start } from "../mesh.mjs";

const getUser = "shop.v1.UserService/GetUser";

/** site serves an empty page at an origin of its own. */
async function site() {
  const server = createServer((_, res) => res.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html><title>elsewhere</title>"));
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  server.unref();
  return `http://127.0.0.1:${server.address().port}`;
}

export async function before() {
  const listed = await site(), other = await site();
  const run = (id, ...more) => start("collector", ["serve", "--until-eof", "--json", "--id", id, "--listen", "127.0.0.1:0", "--db", "memory", "--ns", "users", "--cors-origin", listed, ...more]);
  const host = await run("host", "--example", "users");
  const asked = await run("asked", "--join", host.address);
  for (let i = 0; (await call(asked.url, "users", getUser, { id: "u-1" })).status !== 200; i++) assert.ok(i < 200, "asked never heard of the service");
  return { listed, other, host, asked };
}

/** ask calls from a page: Connect, then gRPC-Web. What the page cannot read is "refused". */
function ask(page, url) {
  return page.evaluate(async ([url, method]) => {
    const fetched = async (headers, body) => {
      try {
        const res = await fetch(`${url}/${method}`, { method: "POST", headers: { "Collective-Namespace": "users", ...headers }, body });
        return { status: res.status, ranOn: res.headers.get("Collective-Executor"), route: res.headers.get("Collective-Route"), body: new TextDecoder().decode(await res.arrayBuffer()) };
      } catch {
        return "refused";
      }
    };
    const id = [10, 3, ...new TextEncoder().encode("u-1")];
    return {
      connect: await fetched({ "Content-Type": "application/json", "Connect-Protocol-Version": "1", Authorization: "Bearer t" }, JSON.stringify({ id: "u-1" })),
      grpcWeb: await fetched({ "Content-Type": "application/grpc-web+proto", "X-Grpc-Web": "1" }, new Uint8Array([0, 0, 0, 0, id.length, ...id])),
      simple: await fetched({ "Content-Type": "text/plain" }, "{}"),
    };
  }, [url, getUser]);
}

export async function aListedPageCallsHereAndThroughTheMesh({ browser, listed, host, asked }) {
  const { page } = await open(browser, listed);
  for (const [entrance, route] of [[host, "host"], [asked, "asked,host"]]) {
    const { connect, grpcWeb } = await ask(page, entrance.url);
    for (const answer of [connect, grpcWeb]) {
      assert.deepEqual([answer.status, answer.ranOn, answer.route], [200, "host", route]);
      assert.match(answer.body, /Ada Lovelace/);
    }
    assert.match(grpcWeb.body, /grpc-status: ?0/);
  }
}

export async function aPageThatIsNotListedIsRefused({ browser, other, host, asked }) {
  const { page } = await open(browser, other);
  for (const entrance of [host, asked]) {
    assert.deepEqual(await ask(page, entrance.url), { connect: "refused", grpcWeb: "refused", simple: "refused" });
  }
}

export async function aListedPageDoesNotReadTheConsole({ browser, listed, host }) {
  const { page } = await open(browser, listed);
  assert.equal(await page.evaluate((url) => fetch(url).then((r) => r.status, () => "refused"), host.console), "refused");
}
