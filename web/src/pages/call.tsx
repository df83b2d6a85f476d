import { create, createRegistry, fromJsonString, toJsonString, type DescMethod, type Message, type Registry } from "@bufbuild/protobuf";
import { reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import { useEffect, useRef, useState } from "preact/hooks";
import { may, principalOf, who } from "../access.js";
import { origin, mesh, readonly, readonlyReason, textOf } from "../api.js";
import { clock, spoken } from "../format.js";
import { decodeFragment, encodeFragment, quoteLong, where } from "../form/json.js";
import { Fields } from "../form/form.js";
import type { Context } from "../form/slot.js";
import type { ExplainRouteResponse } from "../gen/collector/mesh/v1/mesh_pb.js";
import type { Reason } from "../gen/mesh.js";
import { fits } from "../keys.js";
import { services, status, nodesKnown } from "../live.js";
import { Command, Copy, Empty, Problem, Prose, Tabs, Verdict } from "../parts.js";
import { go, href, place, setQuery } from "../route.js";
import { findMethod, schemaOf, streaming, type Schema } from "../schema.js";
import { bufCurl, collectorCall, grpcurl, typescript, type Shape } from "./copyas.js";
import { forgetAll, past, remember } from "./history.js";
import { hint, send, type Answer, type Outcome } from "./send.js";

export function Call() {
  const [namespace, service, method] = place.value.args;
  if (!namespace || !service || !method) return <Pick />;
  return <Loaded key={[namespace, service, method].join(" ")} namespace={namespace} service={service} method={method} />;
}

/** Pick finds a method by a few letters. */
function Pick() {
  const query = place.value.query.get("q") ?? "";
  const all = (services.value ?? []).flatMap((s) => s.methods.map((m) => ({ s, m })));
  const found = all.filter(({ s, m }) => fits(query, s.namespace + " " + spoken(m.procedure)));
  const enter = (e: KeyboardEvent) => e.key === "Enter" && found[0] && go(href("call", [found[0].s.namespace, found[0].s.name, found[0].m.name]));
  return (
    <section aria-labelledby="call-title">
      <h1 id="call-title">Call a method</h1>
      <input type="search" class="wide" aria-label="Find a method" placeholder="Find a method   /" value={query} onInput={(e) => setQuery({ q: e.currentTarget.value })} onKeyDown={enter} />
      {services.value === undefined ? <p class="dim" aria-busy="true">Asking the collector…</p> : found.length === 0 ? <Empty title={`0 of ${all.length} match.`}>{query ? <button type="button" onClick={() => setQuery({ q: undefined })}>Clear filters</button> : null}</Empty> : (
        <ul class="plain picks">
          {found.map(({ s, m }) => (
            <li key={s.namespace + m.procedure} data-row>
              <a href={href("call", [s.namespace, s.name, m.name])}>{spoken(m.procedure)}</a> <span class="tag">{s.namespace}</span>
              {streaming(m) === "unary" ? null : <span class="kind">{streaming(m)}</span>}
            </li>
          ))}
        </ul>
      )}
      <History />
    </section>
  );
}

function Loaded({ namespace, service, method }: { namespace: string; service: string; method: string }) {
  const target = place.value.query.get("to") ?? "";
  const listed = services.value?.find((s) => s.namespace === namespace && s.name === service)?.methods.find((m) => m.name === method);
  const holders = listed?.collectorIds ?? [];
  const holder = holders.includes(target) ? target : (holders[0] ?? target); // a target without the method has no schema of it
  const [schema, setSchema] = useState<Schema>();
  const [error, setError] = useState("");
  useEffect(() => {
    if (!services.value) return;
    setError("");
    schemaOf(holder).then(setSchema, (e) => setError(textOf(e)));
  }, [holder, services.value === undefined]);
  const desc = schema && findMethod(schema, service, method);
  const title = <h1 id="call-title">{method} <small>{service}</small> <span class="tag">{namespace}</span> {listed ? <span class="kind">{streaming(listed)}</span> : null}</h1>;
  if (error) return <section>{title}<Problem title={`${holder || "The collector"} does not tell its schemas`} text={error}><Command text={`collector call ${service}/${method} --ns ${namespace} -d '{}'`} /></Problem></section>;
  if (!schema) return <section>{title}<p class="dim" aria-busy="true">Asking {holder || "the collector"} for the schema…</p></section>;
  if (!desc) {
    return (
      <section>
        {title}
        <Empty title={`${holder || status.value?.collectorId} has no schema of this method.`}>
          <p>{listed && !listed.inputType ? "Its handler is untyped: call it with a wrapper value from the command line." : "It may have gone. The command line tells more:"}</p>
          <Command text={`collector route ${namespace} ${service}/${method}`} />
        </Empty>
      </section>
    );
  }
  return (
    <section aria-labelledby="call-title" class="call">
      {title}
      <p><Prose text={schema.comments.get(service + "." + method)} /></p>
      <Caller desc={desc} schema={schema} namespace={namespace} />
    </section>
  );
}

const registries = new WeakMap<Schema, Registry>();

function registryOf(schema: Schema): Registry {
  let found = registries.get(schema);
  if (!found) registries.set(schema, (found = createRegistry(schema.registry)));
  return found;
}

/** fromFragment is the request of a link. A bad one is an empty request. */
function fromFragment(desc: DescMethod, registry: Registry): ReflectMessage {
  const given = /(?:^|&)req=([^&]*)/.exec(location.hash.slice(1))?.[1];
  if (given) {
    try {
      return reflect(desc.input, fromJsonString(desc.input, decodeFragment(given), { registry }));
    } catch {
      // A link of another version of the schema.
    }
  }
  return reflect(desc.input, create(desc.input));
}

const maxAnswers = 1000;

function Caller({ desc, schema, namespace }: { desc: DescMethod; schema: Schema; namespace: string }) {
  const registry = registryOf(schema);
  const query = place.value.query;
  const target = query.get("to") ?? "", via = query.get("via") === "dispatch" ? "dispatch" : "native", tab = query.get("tab") ?? "Form";
  const protocol = query.get("protocol") === "connect" ? "connect" : "grpc-web";
  const [root, setRoot] = useState(() => fromFragment(desc, registry));
  const [generation, setGeneration] = useState(0);
  const [, bump] = useState(0);
  const [text, setText] = useState("");
  const [jsonError, setJsonError] = useState("");
  const [headerText, setHeaderText] = useState("");
  const [timeout, setTimeoutText] = useState("10");
  const [answers, setAnswers] = useState<Answer[]>([]);
  const [total, setTotal] = useState(0);
  const [outcome, setOutcome] = useState<Outcome>();
  const [hold, setHold] = useState(false);
  const running = useRef<AbortController>(undefined);
  const [busy, setBusy] = useState(false);
  const problems = useRef(new Map<string, string>()).current;
  const service = desc.parent.typeName;

  const json = (() => {
    try {
      return toJsonString(desc.input, root.message, { registry });
    } catch (e) {
      return `{} // ${(e as Error).message}`;
    }
  })();
  const pretty = () => {
    try {
      return toJsonString(desc.input, root.message, { registry, prettySpaces: 2 });
    } catch {
      return "{}";
    }
  };
  const keepInLink = useRef<ReturnType<typeof setTimeout>>(undefined);
  const link = (message: Message) => {
    const page = location.pathname;
    clearTimeout(keepInLink.current);
    keepInLink.current = setTimeout(() => {
      if (location.pathname !== page) return; // the link is another page's by now, though this one is still drawn
      try {
        history.replaceState(null, "", location.pathname + location.search + "#req=" + encodeFragment(toJsonString(desc.input, message, { registry })));
      } catch {
        // A Value without a value yet has no JSON: the link follows the next change.
      }
    }, 150);
  };
  const changed = () => {
    bump((n) => n + 1);
    link(root.message);
  };
  const context: Context = { registry, comments: schema.comments, changed, problems };

  useEffect(() => {
    if (tab === "JSON") setText(pretty());
  }, [tab, generation]);
  const type = (next: string) => {
    setText(next);
    try {
      const quoted = quoteLong(next.trim() === "" ? "{}" : next);
      JSON.parse(quoted);
      const message = fromJsonString(desc.input, quoted, { registry });
      setJsonError("");
      problems.clear();
      setRoot(reflect(desc.input, message));
      link(message);
    } catch (e) {
      setJsonError(where(next, e));
    }
  };
  const pick = (next: string) => {
    if (next === "Form") setGeneration((g) => g + 1);
    setQuery({ tab: next === "Form" ? undefined : next });
  };

  const impossible = desc.methodKind === "client_streaming" || desc.methodKind === "bidi_streaming";
  const streams = desc.methodKind === "server_streaming";
  const wrong = problems.size > 0 || (tab === "JSON" && jsonError !== "");
  const shape: Shape = { namespace, service, method: desc.name, target, json, stream: streams, origin, timeout: timeout === "10" ? "" : timeout };

  const cancel = () => running.current?.abort();
  const submit = async () => {
    if (readonly || impossible || wrong || busy) return;
    const abort = new AbortController();
    running.current = abort;
    setBusy(true);
    setAnswers([]);
    setTotal(0);
    setOutcome(undefined);
    let list: Answer[] = [], n = 0, drawn = 0;
    const draw = () => (setAnswers(list), setTotal(n), (drawn = performance.now()));
    const ended = await send({
      namespace, method: desc, target, via: streams ? "native" : via, protocol, registry, message: root.message,
      timeoutMs: Number(timeout) > 0 ? Number(timeout) * 1000 : undefined,
      headers: headerText.split("\n").map((l) => l.split(/:(.*)/s)).filter((p) => p.length > 1).map(([k, v]) => [k.trim(), v.trim()]),
    }, abort.signal, (a) => {
      n++;
      list = [...list.slice(1 - maxAnswers), a];
      if (!streams || performance.now() - drawn > 50) draw();
    });
    draw();
    setOutcome(ended);
    setBusy(false);
    remember({ at: Date.now(), namespace, service, method: desc.name, json, code: ended.code, ms: ended.ms });
  };
  const latest = useRef({ submit, cancel });
  latest.current = { submit, cancel };
  useEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) (e.preventDefault(), void latest.current.submit());
      if (e.key === "Escape" && !document.querySelector("dialog[open]")) latest.current.cancel();
    };
    addEventListener("keydown", onKey);
    return () => (removeEventListener("keydown", onKey), clearTimeout(keepInLink.current), running.current?.abort());
  }, []);
  const shownAnswers = useRef<Answer[]>([]);
  if (!hold) shownAnswers.current = answers;

  return (
    <div class="columns call">
      <div>
        <div class="bar"><Tabs names={["Form", "JSON", "CLI"]} at={tab} onPick={pick} label="Write the request as" /></div>
        {tab === "Form" ? <Fields key={generation} of={root} context={context} commit={() => undefined} />
          : tab === "JSON" ? (
            <>
              <textarea class="json" aria-label="Request as JSON" spellcheck={false} rows={14} value={text} aria-invalid={jsonError !== ""} aria-describedby="json-error" onInput={(e) => type(e.currentTarget.value)} />
              <p class="error" id="json-error" role="alert">{jsonError}</p>
            </>
          ) : <CopyAs shape={shape} />}
        <div class="options">
          <label>Collector <select value={target} onChange={(e) => setQuery({ to: e.currentTarget.value })}><option value="">automatic</option>{nodesKnown.value.map((id) => <option key={id}>{id}</option>)}</select></label>
          <label>Way <select value={streams ? "native" : via} disabled={streams} title={streams ? "streams go on their own path" : undefined} onChange={(e) => setQuery({ via: e.currentTarget.value === "dispatch" ? "dispatch" : undefined })}><option value="native">direct</option><option value="dispatch">Dispatch</option></select></label>
          <label>Protocol <select value={protocol} disabled={via === "dispatch" && !streams} onChange={(e) => setQuery({ protocol: e.currentTarget.value === "connect" ? "connect" : undefined })}><option value="grpc-web">gRPC-Web</option><option value="connect">Connect</option></select></label>
          <label>Timeout, s <input type="number" class="narrow" min="0" value={timeout} onInput={(e) => setTimeoutText(e.currentTarget.value)} /></label>
        </div>
        <details><summary>Headers</summary><textarea aria-label="Headers, one per line" rows={3} placeholder="name: value" value={headerText} onInput={(e) => setHeaderText(e.currentTarget.value)} /></details>
        <Explain namespace={namespace} service={service} method={desc.name} target={target} />
        {impossible ? (
          <div class="notice"><p>Browsers cannot send a stream of requests. This command can:</p><Command text={collectorCall(shape)} /></div>
        ) : (
          <p class="row">
            <button type="button" class="primary" disabled={readonly || wrong || busy} title={readonly ? readonlyReason : "Ctrl Enter"} onClick={() => void submit()}>Send</button>
            {busy ? <button type="button" onClick={cancel}>Cancel</button> : null}
            {streams && (busy || answers.length > 0) ? <button type="button" aria-pressed={hold} onClick={() => setHold(!hold)}>{hold ? `Resume (${total - shownAnswers.current.length} held)` : "Pause"}</button> : null}
            <Copy text={location.origin + location.pathname + location.search + "#req=" + encodeFragment(json)} label="Copy link" />
            {readonly ? <span class="dim">{readonlyReason}</span> : wrong ? <span class="error">Mend the marked fields first.</span> : null}
          </p>
        )}
      </div>
      <div>
        <Result answers={shownAnswers.current} total={total} outcome={outcome} busy={busy} streams={streams} shape={shape} />
        <History namespace={namespace} service={service} method={desc.name} onPick={(old) => {
          setRoot(reflect(desc.input, fromJsonString(desc.input, old, { registry })));
          setText(old);
          setGeneration((g) => g + 1);
        }} />
      </div>
    </div>
  );
}

function CopyAs({ shape }: { shape: Shape }) {
  const all: [string, string][] = [["collector", collectorCall(shape)], ["buf curl", bufCurl(shape)], ["grpcurl", grpcurl(shape)], ["TypeScript", typescript(shape)]];
  return <>{all.map(([name, text]) => <div key={name}><h2>{name}</h2><div class="command"><pre tabIndex={0}>{text}</pre><Copy text={text} /></div></div>)}</>;
}

/** Explain asks the router itself, before anything is sent. */
function Explain({ namespace, service, method, target }: { namespace: string; service: string; method: string; target: string }) {
  const [verdict, setVerdict] = useState<ExplainRouteResponse>();
  const [error, setError] = useState("");
  const states = (status.value?.peers ?? []).map((p) => p.collectorId + p.state).join();
  useEffect(() => {
    const abort = new AbortController();
    mesh.explainRoute({ namespace, serviceName: service, methodName: method, targetCollectorId: target }, { signal: abort.signal }).then(
      (v) => (setVerdict(v), setError("")),
      (e) => !abort.signal.aborted && setError(textOf(e)),
    );
    return () => abort.abort();
  }, [namespace, service, method, target, states]);
  return (
    <div class="explain" aria-label="Route" role="region">
      <h2>Route {verdict?.chosenCollectorId ? <small>runs on <b>{verdict.chosenCollectorId}</b></small> : verdict ? <small class="error">refused: {verdict.code} {verdict.reason}</small> : null}</h2>
      {error ? <p class="error">{error}</p> : null}
      {verdict?.message ? <p class="error">{verdict.message}</p> : null}
      <ol class="candidates">
        {verdict?.candidates.map((c) => (
          <li key={c.collectorId} class={c.collectorId === verdict.chosenCollectorId ? "chosen" : c.eligible ? "" : "no"}>
            <span class="rank">{c.rank || "–"}</span> <b>{c.collectorId}</b>{c.local ? <small> here</small> : null} <span>{c.reason}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}

function Result({ answers, total, outcome, busy, streams, shape }: { answers: Answer[]; total: number; outcome?: Outcome; busy: boolean; streams: boolean; shape: Shape }) {
  const [tab, setTab] = useState("Answer");
  if (!busy && !outcome) return <div class="empty quiet"><p>The answer comes here. <kbd>Ctrl</kbd> <kbd>Enter</kbd> sends.</p></div>;
  const first = answers[0], last = answers.at(-1);
  const perSecond = first && last && last.at > first.at ? ((answers.length - 1) * 1000) / (last.at - first.at) : 0;
  const f = outcome?.failure;
  return (
    <div class="result" aria-live="polite">
      <p class="row verdictline">
        {outcome ? <><Verdict code={outcome.code} reason={f?.reason} /> <span class="ms">{outcome.ms.toFixed(1)} ms</span></> : <span class="dim" aria-busy="true">{streams ? "Receiving…" : "Waiting…"}</span>}
        {streams ? <span data-testid="received">{total} received{perSecond > 0 ? `, ${perSecond.toFixed(1)}/s` : ""}</span> : null}
        {outcome && outcome.route.length > 0 ? <span class="way" data-testid="route">browser{outcome.route.map((id, i) => <span key={i} class={f?.reason && i === outcome.route.length - 1 ? "hop bad" : "hop"}> → {id}</span>)}</span> : null}
      </p>
      {f ? (
        <div class="problem" role="alert">
          <p>{f.message || "No message came with it."}</p>
          {f.maybeExecuted !== undefined ? <p class="dim">{f.maybeExecuted ? "The handler may have run." : "The handler surely did not run: it is safe to try again."}</p> : null}
          {outcome && refusedByPolicy.includes(f.reason) && may("observe") ? <Rule outcome={outcome} shape={shape} /> : null}
          {f.candidates.length > 0 ? <ul class="plain">{f.candidates.map((c) => <li key={c.collectorId}><b>{c.collectorId}</b> {c.reason}</li>)}{f.omitted > 0 ? <li class="dim">and {f.omitted} more</li> : null}</ul> : null}
          {f.details.map((d) => <div key={d.type}><h3>{d.type}</h3><pre tabIndex={0}>{d.json}</pre></div>)}
          {hint(f, shape).map((c) => <Command key={c} text={c} />)}
        </div>
      ) : null}
      {answers.length > 0 || outcome ? <Tabs names={["Answer", "Raw", "Headers"]} at={tab} onPick={setTab} label="Show the answer as" /> : null}
      {tab === "Headers" ? (
        <table><tbody>
          {[...(outcome?.headers ?? []), ...(outcome?.trailers ?? []).map(([k, v]): [string, string] => [k + " (trailer)", v])].map(([k, v]) => <tr key={k}><th scope="row">{k}</th><td class="mono">{v}</td></tr>)}
        </tbody></table>
      ) : streams ? (
        <ol class="messages" reversed aria-label="Messages">
          {[...answers].reverse().slice(0, 200).map((a, i) => <li key={total - i}><small class="mono">{clock(a.at, true)}</small> <pre tabIndex={i === 0 ? 0 : undefined}>{tab === "Raw" ? hex(a.raw) : a.json.replace(/\n\s*/g, " ")}</pre></li>)}
        </ol>
      ) : answers.map((a) => <div key={a.at}><pre class="answer" tabIndex={0} data-testid="answer">{tab === "Raw" ? hex(a.raw) : a.json}</pre><Copy text={a.json} /></div>)}
    </div>
  );
}

const refusedByPolicy: string[] = ["unauthenticated", "policy_denied", "rate_limited"] satisfies Reason[];

/** Rule is what decided that a call was refused. The collector does not tell callers: it keeps that for those who may observe. */
function Rule({ outcome, shape }: { outcome: Outcome; shape: Shape }) {
  const [said, setSaid] = useState("");
  const told = outcome.failure?.message ?? "";
  useEffect(() => {
    const abort = new AbortController();
    const filter = { namespace: shape.namespace, procedure: `${shape.service}/${shape.method}`, codes: [outcome.code], principal: who.value ? principalOf(who.value) : "" };
    mesh.listDispatches({ filter, limit: 1 }, { signal: abort.signal }).then(
      ({ dispatches: [newest] }) => newest && setSaid(newest.message.replace(told + "; ", "")),
      () => undefined, // what the caller is told is shown
    );
    return () => abort.abort();
  }, [outcome]);
  return said ? <p data-testid="rule"><small>Decided:</small> {said}</p> : null;
}

function hex(raw: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(raw.length, 4096); at += 16) {
    const part = [...raw.subarray(at, at + 16)];
    lines.push(at.toString(16).padStart(4, "0") + "  " + part.map((b) => b.toString(16).padStart(2, "0")).join(" ").padEnd(48) + " " + part.map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : "·")).join(""));
  }
  return lines.join("\n") || "no bytes: every field has its default";
}

function History({ namespace, service, method, onPick }: { namespace?: string; service?: string; method?: string; onPick?: (json: string) => void }) {
  const all = past.value.filter((p) => !method || (p.namespace === namespace && p.service === service && p.method === method)).slice(0, 20);
  if (all.length === 0) return null;
  return (
    <section aria-label="Earlier calls">
      <h2>Earlier calls</h2>
      <ul class="recent">
        {all.map((p) => (
          <li key={p.at}>
            {onPick ? <button type="button" class="link mono" onClick={() => onPick(p.json)}>{p.json.slice(0, 60) || "{}"}</button>
              : <a href={href("call", [p.namespace, p.service, p.method]) + "#req=" + encodeFragment(p.json)}>{p.method} <small class="mono">{p.json.slice(0, 40)}</small></a>}
            <Verdict code={p.code} /> <small>{clock(p.at)} · {p.ms.toFixed(1)} ms</small>
          </li>
        ))}
      </ul>
      <button type="button" class="small" onClick={forgetAll}>Forget all</button>
    </section>
  );
}
