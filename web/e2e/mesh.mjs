// Collectors as processes of their own, for the tests.
import { execFile, spawn } from "node:child_process";
import { request } from "node:http";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
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

function written(name, text) {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

/** collector runs one; again at the same address after a kill if it is given. */
export function collector(id, { namespaces, example, join: others = [], listen = "127.0.0.1:0", console: mode = "full", basePath, policy, db = join(dir, id + ".db") }) {
  const args = ["serve", "--until-eof", "--json", "--id", id, "--listen", listen, "--db", db, "--console", mode, "--log-format", "text", "--grace", "1s"];
  if (namespaces) args.push("--ns", namespaces);
  if (basePath) args.push("--base-path", basePath);
  if (policy) args.push("--policy", written(id + ".cedar", policy));
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

/** socketOf is the operators' socket of a collector, where it is by the environment of start. */
const socketOf = (url) => join(dir, ".local", "state", "collective", new URL(url).host.replace(":", "@") + ".sock");

/** operate asks a collector over its socket: Connect with JSON. */
export function operate(url, method, body = {}) {
  return new Promise((resolve, reject) => {
    const ask = request({ socketPath: socketOf(url), path: "/" + method, method: "POST", headers: { "Content-Type": "application/json" } }, (res) => {
      let text = "";
      res.on("data", (d) => (text += d)).on("end", () => resolve(JSON.parse(text || "{}")));
    });
    ask.on("error", reject).end(JSON.stringify(body));
  });
}

/** token is that of a new link to log in to a collector, as for the user who runs it or for one who only looks. */
export const token = async (url, as = "") => (await operate(url, "collector.mesh.v1.OperatorService/CreateLogin", { as })).token;

/** run runs a command of the command line, and answers what it prints. */
export function run(...args) {
  return new Promise((resolve, reject) => {
    execFile(join(root, "bin", "collector"), args, { env: { PATH: process.env.PATH, HOME: dir } }, (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout)));
  });
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

export const mesh = (url, method, body = {}) => operate(url, "collector.mesh.v1.MeshService/" + method, body);

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
