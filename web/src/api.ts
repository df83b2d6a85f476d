// The collector that served this page, as gRPC-Web clients.
import type { Registry } from "@bufbuild/protobuf";
import { createClient, Code, ConnectError, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { MeshService } from "./gen/collector/mesh/v1/mesh_pb.js";
import { OperatorService } from "./gen/collector/mesh/v1/operator_pb.js";
import { CollectiveDispatcher } from "./gen/collector/dispatcher_pb.js";
import { headerSession, logoutPath } from "./gen/mesh.js";
import { CallFailureSchema, type CallFailure } from "./gen/collector/mesh/v1/failure_pb.js";

const meta = document.querySelector<HTMLMetaElement>('meta[name="collective"]')!.dataset;

/** base is the path of the console, with a slash at both ends. */
export const base = meta.base ?? "/console/";
export const readonly = meta.mode === "readonly";
export const build = meta.build ?? "";
/** origin is where RPCs go: a console mounted at /x/console/ belongs to a collector at /x/. */
export const origin = location.origin + base.replace(/[^/]+\/$/, "").replace(/\/$/, "");

/** keyPlace is where the key of the session is kept: for this origin, whose port other servers of the host do not have. */
const keyPlace = "collective.session:" + base;
let key = takeKey();

/** takeKey is the key in the fragment of a link that has logged in, which then goes from the address; else the one that is kept. */
function takeKey(): string {
  const given = /^#session=([\w-]+)$/.exec(location.hash)?.[1] ?? "";
  if (given) history.replaceState(null, "", location.pathname + location.search);
  try {
    if (given) localStorage.setItem(keyPlace, given);
    return given || (localStorage.getItem(keyPlace) ?? "");
  } catch {
    return given; // it holds until the page is closed
  }
}

const identify: Interceptor = (next) => (req) => {
  if (key) req.header.set(headerSession, key);
  return next(req);
};

/** endSession logs out: the collector forgets the session, this browser its key. */
export async function endSession(): Promise<void> {
  await fetch(origin + logoutPath, { method: "POST", headers: { [headerSession]: key } });
  key = "";
  try {
    localStorage.removeItem(keyPlace);
  } catch {
    // There is none.
  }
}

export const transport: Transport = createGrpcWebTransport({ baseUrl: origin, interceptors: [identify] });
/** connectTransport speaks JSON: registry has what an Any holds, and extensions. */
export const connectTransport = (registry: Registry): Transport => createConnectTransport({ baseUrl: origin, interceptors: [identify], jsonOptions: { registry } });
export const mesh = createClient(MeshService, transport);
export const operator = createClient(OperatorService, transport);
export const dispatcher = createClient(CollectiveDispatcher, transport);

export const readonlyReason = "This console is read-only. Use the command line, or start the collector with --console full.";

/** failureOf finds what the mesh says of an error it authored. */
export function failureOf(error: unknown): CallFailure | undefined {
  return ConnectError.from(error).findDetails(CallFailureSchema)[0];
}

/** codeName is the name of a code as everywhere in the mesh: not_found. */
export function codeName(code: Code): string {
  return Code[code].replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase();
}

/** textOf is an error in words. */
export function textOf(error: unknown): string {
  const e = ConnectError.from(error);
  if (e.rawMessage === "Failed to fetch" || e.rawMessage === "network error") {
    return "The collector does not answer. Is it running?";
  }
  return e.rawMessage || codeName(e.code);
}

/** denied is an error that says that one may not, rather than that something is wrong. */
export function denied(error: unknown): boolean {
  const { code } = ConnectError.from(error);
  return code === Code.PermissionDenied || code === Code.Unauthenticated;
}
