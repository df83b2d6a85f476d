// Collectors as processes of their own, for the tests.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = new URL("../../", import.meta.url).pathname;
const dir = mkdtempSync(join(tmpdir(), "collective-e2e-"));
const running = new Set();

/** start runs a program that prints a line of JSON when it is ready and stops when its input ends. */
export async function start(program, args) {
  const child = spawn(join(root, "bin", program), args, { stdio: ["pipe", "pipe", "pipe"], env: { PATH: process.env.PATH, HOME: dir } });
  running.add(child);
  let said = "";
  child.stderr.on("data", (d) => (said = (said + d).slice(-4000)));
  const gone = new Promise((resolve) => child.on("exit", () => (running.delete(child), resolve())));
  const ready = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", (line) => resolve(JSON.parse(line)));
    void gone.then(() => reject(new Error(`${program} ${args.join(" ")} ended: ${said}`)));
  });
  const info = await ready;
  return {
    ...info,
    said: () => said,
    /** freeze stops a process as a machine without power does: its sockets stay, nobody answers. */
    freeze: () => child.kill("SIGSTOP"),
    thaw: () => child.kill("SIGCONT"),
    kill: async () => (child.kill("SIGKILL"), gone),
    stop: async () => (child.stdin.end(), gone),
  };
}

/** collector runs one; again at the same address after a kill if it is given. */
export function collector(id, { namespaces, example, join: others = [], listen = "127.0.0.1:0", console: mode = "full", basePath, db = join(dir, id + ".db") }) {
  const args = ["serve", "--until-eof", "--json", "--id", id, "--listen", listen, "--db", db, "--console", mode, "--log-format", "text", "--grace", "1s"];
  if (namespaces) args.push("--ns", namespaces);
  if (basePath) args.push("--base-path", basePath);
  if (example) args.push("--example", example);
  for (const address of others) args.push("--join", address);
  return start("collector", args);
}

/** shop is the mesh of the demo: a and b share orders, b and c inventory, a and c users. */
export async function shop() {
  const b = await collector("b", { namespaces: "orders,inventory", example: "orders" });
  const c = await collector("c", { namespaces: "inventory,users", example: "inventory", join: [b.address] });
  const a = await collector("a", { namespaces: "users,orders", example: "users", join: [b.address, c.address] });
  await eventually(a.url, "ListServices", ({ services = [] }) => services.some((s) => s.methods.some((m) => m.collectorIds?.includes("b"))));
  await eventually(a.url, "ListCollectors", ({ edges = [] }) => edges.some((e) => [e.sourceCollectorId, e.targetCollectorId].sort().join("~") === "b~c"));
  return { a, b, c };
}

/** call is a plain client: Connect with JSON. */
export async function call(url, namespace, method, body = {}, headers = {}) {
  const res = await fetch(`${url}/${method}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Collective-Namespace": namespace, ...headers },
    body: JSON.stringify(body),
  });
  return { status: res.status, headers: res.headers, body: await res.json() };
}

export const mesh = (url, method, body = {}) => call(url, "", "collector.mesh.v1.MeshService/" + method, body).then((r) => r.body);

/** eventually asks until the answer is as it should be. */
export async function eventually(url, method, so) {
  const until = Date.now() + 30_000;
  for (let answer; Date.now() < until; ) if (so((answer = await mesh(url, method)))) return answer;
  throw new Error(`${method} of ${url} never became what the tests need`);
}

export async function stopAll() {
  await Promise.all([...running].map((child) => new Promise((resolve) => {
    child.on("exit", resolve);
    child.stdin.end();
    const timer = setTimeout(() => child.kill("SIGKILL"), 4000);
    child.on("exit", () => clearTimeout(timer));
  })));
}

export const tidy = () => rmSync(dir, { recursive: true, force: true });
