import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { open } from "../browser.mjs";
import { collector } from "../mesh.mjs";

const basePath = "/tools/mesh";

export async function before() {
  return { c: await collector("c", { namespaces: "users", example: "users", basePath }) };
}

/** proxied is the address of a reverse proxy that has a collector below basePath, and nothing else. */
async function proxied(collector) {
  const { hostname, port } = new URL(collector.url);
  const server = createServer((req, res) => {
    if (!req.url.startsWith(basePath + "/")) return res.writeHead(404).end();
    const ask = request({ hostname, port, path: req.url, method: req.method, headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode, answer.headers);
      answer.pipe(res);
    });
    ask.on("error", () => res.destroy());
    res.on("close", () => ask.destroy());
    req.pipe(ask);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => (server.closeAllConnections(), server.close()) };
}

export async function theConsoleWorksBelowAPathOfAProxy({ browser, c }) {
  const proxy = await proxied(c);
  try {
    const { page, errors } = await open(browser, proxy.url + basePath + "/console/", { login: c.url });
    await page.getByText("Live").waitFor(); // a stream, through the proxy
    await page.getByRole("link", { name: "Services" }).click();
    await page.getByRole("link", { name: "GetUser" }).click();
    await page.locator('[data-field="id"] input').fill("u-1");
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".result .verdict.ok").waitFor();
    assert.equal(new URL(page.url()).pathname, basePath + "/console/call/users/shop.v1.UserService/GetUser");
    await page.reload();
    await page.locator('[data-field="id"] input').waitFor();
    assert.deepEqual(errors, []);
  } finally {
    proxy.stop();
  }
}
