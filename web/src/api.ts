// The collector that served this page, as gRPC-Web clients.
import type { Registry } from "@bufbuild/protobuf";
import { createClient, Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { MeshService } from "./gen/collector/mesh/v1/mesh_pb.js";
import { CollectiveDispatcher } from "./gen/collector/dispatcher_pb.js";
import { CallFailureSchema, type CallFailure } from "./gen/collector/mesh/v1/failure_pb.js";

const meta = document.querySelector<HTMLMetaElement>('meta[name="collective"]')!.dataset;

/** base is the path of the console, with a slash at both ends. */
export const base = meta.base ?? "/console/";
export const readonly = meta.mode === "readonly";
export const build = meta.build ?? "";
/** origin is where RPCs go: a console mounted at /x/console/ belongs to a collector at /x/. */
export const origin = location.origin + base.replace(/[^/]+\/$/, "").replace(/\/$/, "");

export const transport: Transport = createGrpcWebTransport({ baseUrl: origin });
/** connectTransport speaks JSON: registry has what an Any holds, and extensions. */
export const connectTransport = (registry: Registry): Transport => createConnectTransport({ baseUrl: origin, jsonOptions: { registry } });
export const mesh = createClient(MeshService, transport);
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
