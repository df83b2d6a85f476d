// Sends a call: on its own path, as any client does, or packed into a Dispatch.
import { create, fromBinary, toBinary, toJsonString, type DescMessage, type DescMethod, type DescMethodStreaming, type DescMethodUnary, type Message, type Registry } from "@bufbuild/protobuf";
import { anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import { principalOf, who } from "../access.js";
import { codeName, connectTransport, dispatcher, failureOf, transport } from "../api.js";
import type { Candidate } from "../gen/collector/mesh/v1/mesh_pb.js";
import { headerExecutor, headerNamespace, headerReason, headerRoute, headerTarget, type Reason } from "../gen/mesh.js";
import { quote } from "./copyas.js";

export interface Plan {
  namespace: string;
  method: DescMethod;
  target: string;
  via: "native" | "dispatch";
  protocol: "grpc-web" | "connect";
  timeoutMs?: number;
  headers: [string, string][];
  message: Message;
  registry: Registry;
}

export interface Answer {
  at: number;
  json: string;
  raw: Uint8Array;
}

export interface Failure {
  code: string;
  message: string;
  reason: string;
  maybeExecuted: boolean | undefined;
  candidates: Candidate[];
  /** How many candidates there are beside those listed. */
  omitted: number;
  details: { type: string; json: string }[];
}

export interface Outcome {
  code: string;
  failure?: Failure;
  headers: [string, string][];
  trailers: [string, string][];
  route: string[];
  executor: string;
  ms: number;
}

/** send calls and tells every message as it comes. It never throws. */
export async function send(plan: Plan, signal: AbortSignal, onMessage: (a: Answer) => void): Promise<Outcome> {
  const started = performance.now();
  const outcome: Outcome = { code: "ok", headers: [], trailers: [], route: [], executor: "", ms: 0 };
  try {
    if (plan.via === "dispatch") await dispatch(plan, signal, onMessage, outcome);
    else await native(plan, signal, onMessage, outcome);
  } catch (error) {
    fail(plan, error, outcome);
  }
  outcome.ms = performance.now() - started;
  return outcome;
}

async function native(plan: Plan, signal: AbortSignal, onMessage: (a: Answer) => void, outcome: Outcome): Promise<void> {
  const headers = new Headers(plan.headers);
  headers.set(headerNamespace, plan.namespace);
  if (plan.target) headers.set(headerTarget, plan.target);
  const over = plan.protocol === "connect" ? connectTransport(plan.registry) : transport;
  if (plan.method.methodKind === "unary") {
    const res = await over.unary(plan.method as DescMethodUnary, signal, plan.timeoutMs, headers, plan.message);
    note(outcome, res.header, res.trailer);
    onMessage(answer(plan.method.output, res.message, plan.registry));
    return;
  }
  const one = (async function* () {
    yield plan.message;
  })();
  const res = await over.stream(plan.method as DescMethodStreaming, signal, plan.timeoutMs, headers, one);
  note(outcome, res.header);
  for await (const message of res.message) onMessage(answer(plan.method.output, message, plan.registry));
  note(outcome, res.header, res.trailer);
}

async function dispatch(plan: Plan, signal: AbortSignal, onMessage: (a: Answer) => void, outcome: Outcome): Promise<void> {
  const res = await dispatcher.dispatch({
    namespace: plan.namespace,
    service: { serviceName: plan.method.parent.typeName },
    methodName: plan.method.name,
    input: anyPack(plan.method.input, plan.message),
    targetCollectorId: plan.target,
    routingHints: Object.fromEntries(plan.headers),
  }, { signal, timeoutMs: plan.timeoutMs, onHeader: (h) => note(outcome, h), onTrailer: (t) => (outcome.trailers = [...t]) });
  outcome.executor = res.handledByCollectorId;
  outcome.route = res.route;
  const status = res.status;
  if (status && status.code !== 200) {
    const details = status.details;
    outcome.code = details.code ?? String(status.code);
    outcome.failure = {
      code: outcome.code, message: status.message, reason: details.reason === handlerError ? "" : (details.reason ?? ""), maybeExecuted: undefined, candidates: [], omitted: 0,
      details: Object.entries(details).filter(([k]) => !["code", "reason", "route"].includes(k)).map(([type, json]) => ({ type, json })),
    };
    return;
  }
  const out = res.output && anyUnpack(res.output, plan.method.output);
  onMessage(answer(plan.method.output, out ?? create(plan.method.output), plan.registry));
}

function note(outcome: Outcome, header: Headers, trailer?: Headers): void {
  outcome.headers = [...header];
  if (trailer) outcome.trailers = [...trailer];
  outcome.executor = header.get(headerExecutor) ?? outcome.executor;
  outcome.route = header.get(headerRoute)?.split(",") ?? outcome.route;
}

function answer(desc: DescMessage, message: Message, registry: Registry): Answer {
  const raw = toBinary(desc, message);
  let json: string;
  try {
    json = toJsonString(desc, message, { registry, prettySpaces: 2 });
  } catch (e) {
    json = `// cannot be written as JSON: ${(e as Error).message}`;
  }
  return { at: Date.now(), json, raw };
}

function fail(plan: Plan, error: unknown, outcome: Outcome): void {
  const e = ConnectError.from(error);
  note(outcome, e.metadata);
  outcome.code = codeName(e.code);
  const own = failureOf(error);
  if (own && own.route.length > 0) {
    outcome.route = own.route;
    outcome.executor = own.route.at(-1)!;
  }
  outcome.failure = {
    code: outcome.code, message: e.rawMessage, reason: own?.reason ?? e.metadata.get(headerReason) ?? "", maybeExecuted: own?.maybeExecuted, candidates: own?.candidates ?? [], omitted: own?.omittedCandidates ?? 0,
    details: e.details.flatMap((d) => ("type" in d && d.type !== "collector.mesh.v1.CallFailure" ? [{ type: d.type as string, json: detailText(plan.registry, d.type as string, d.value as Uint8Array) }] : [])),
  };
}

function detailText(registry: Registry, type: string, value: Uint8Array): string {
  const desc = registry.getMessage(type);
  if (!desc) return `${value.length} bytes of a type this collector does not know`;
  return toJsonString(desc, fromBinary(desc, value), { registry, prettySpaces: 2 });
}

const handlerError: Reason = "handler_error";

const says = {
  route: (p: Called) => `collector route ${p.namespace} ${p.service}/${p.method}`,
  connections: () => "collector connections",
  services: () => "collector services",
  why: (p: Called) => `collector policy why ${p.service}/${p.method} --ns ${p.namespace}${asked()}`,
  longer: (p: Called) => `collector call ${p.service}/${p.method} --ns ${p.namespace} --timeout 60s`,
};

/** asked is who asks, from where, as flags of `policy why`. */
function asked(): string {
  const w = who.value;
  return w ? [` --as ${quote(principalOf(w))}`, ...w.groups.map((g) => `--group ${quote(g)}`), `--network ${w.network}`].join(" ") : "";
}

interface Called {
  namespace: string;
  service: string;
  method: string;
  target: string;
}

/** What to do about a failure of the mesh, and about a code that comes without a reason. */
const hints: { [R in Reason | "deadline_exceeded"]?: ((p: Called) => string)[] } = {
  policy_denied: [says.why],
  unreachable: [says.route, says.connections],
  link_down: [says.route, says.connections],
  link_lost: [says.connections, says.route],
  method_unknown: [says.services],
  namespace_unknown: [says.services],
  service_ambiguous: [says.services],
  namespace_ambiguous: [says.services],
  not_registered: [says.services],
  target_unknown: [says.route],
  target_not_serving: [says.route],
  schema_incompatible: [says.route],
  deadline: [says.longer],
  deadline_exceeded: [says.longer],
};

/** hint is what to do about a failure: the same words as the command line's. Of a reason that this console does not know it says nothing. */
export function hint(f: Failure, called: Called): string[] {
  const word = f.reason || f.code;
  const known = Object.hasOwn(hints, word) ? hints[word as keyof typeof hints] : undefined;
  return known?.map((say) => say(called)) ?? [];
}
