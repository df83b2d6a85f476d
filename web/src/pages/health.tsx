import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { origin, textOf } from "../api.js";
import { clock, span, millis } from "../format.js";
import { collectors, connections, link, services, status } from "../live.js";
import { Copy } from "../parts.js";
import { schemaOf } from "../schema.js";

interface Check {
  what: string;
  ok: boolean | undefined;
  said: string;
}

/** Health checks what a browser can check. */
export function Health() {
  const schema = useSignal<Check>({ what: "schemas", ok: undefined, said: "asking…" });
  const id = status.value?.collectorId ?? "";
  useEffect(() => {
    if (!id) return;
    schemaOf(id).then(
      (s) => (schema.value = { what: "schemas", ok: true, said: `${[...s.registry.files].length} files, ${s.comments.size > 0 ? "with comments" : "without comments"}, ${s.hash.slice(0, 12)}` }),
      (e) => (schema.value = { what: "schemas", ok: false, said: textOf(e) }),
    );
  }, [id]);
  const list = [...checks(), schema.value];
  const text = list.map((c) => `${c.ok === undefined ? "…" : c.ok ? "ok  " : "FAIL"} ${c.what}: ${c.said}`).join("\n");
  return (
    <section aria-labelledby="health-title">
      <h1 id="health-title">Health</h1>
      <ul class="checks">
        {list.map((c) => (
          <li key={c.what} class={c.ok === undefined ? "" : c.ok ? "ok" : "bad"}>
            <span class="mark" aria-hidden="true">{c.ok === undefined ? "…" : c.ok ? "✓" : "✕"}</span>
            <b>{c.what}</b> <span>{c.said}</span><span class="visually-hidden">{c.ok ? " fine" : c.ok === undefined ? " being checked" : " a problem"}</span>
          </li>
        ))}
      </ul>
      <p class="row"><Copy text={text} label="Copy as text" /></p>
    </section>
  );
}

function checks(): Check[] {
  const s = status.value, l = link.value;
  if (!s) return [{ what: "reachable", ok: l.state === "lost" ? false : undefined, said: l.state === "lost" ? l.why : "asking…" }];
  const peers = s.peers.filter((p) => p.state !== 1 && p.state !== 2);
  const unserved = (services.value ?? []).flatMap((x) => x.methods).filter((m) => m.collectorIds.length === 0);
  const missing = collectors.value?.missing ?? [];
  return [
    { what: "reachable", ok: l.state !== "lost", said: l.state === "lost" ? `${l.why} Last heard of at ${clock(l.since)}.` : `gRPC-Web at ${origin}, up ${span(Date.now() - millis(s.startedAt))}` },
    { what: "store", ok: !s.store?.error, said: s.store?.error || (s.store?.path ? s.store.path : "in memory: a restart forgets connections") },
    { what: "peers", ok: peers.length === 0, said: s.peers.length === 0 ? "none" : peers.length === 0 ? `all ${s.peers.length} up` : peers.map((p) => p.collectorId + " is not up").join(", ") },
    { what: "connections", ok: !connections.value.some((c) => c.state === 5), said: `${connections.value.length} remembered, ${connections.value.filter((c) => c.state === 5).length} failed` },
    { what: "methods", ok: unserved.length === 0, said: unserved.length === 0 ? `${(services.value ?? []).flatMap((x) => x.methods).length} can be called` : unserved.map((m) => m.procedure.slice(1)).join(", ") + " served by nobody now" },
    { what: "neighbours", ok: missing.length === 0, said: missing.length === 0 ? "all answered" : missing.join(", ") + " did not answer in 1 s" },
    ...s.warnings.map((w, i): Check => ({ what: "warning " + (i + 1), ok: false, said: w })),
  ];
}
