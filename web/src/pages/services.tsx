import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { textOf } from "../api.js";
import { spoken } from "../format.js";
import type { Method, SchemaSkew, Service } from "../gen/collector/mesh/v1/mesh_pb.js";
import { fits } from "../keys.js";
import { collectors, services, servicesError, status } from "../live.js";
import { Command, Empty, Problem, Prose } from "../parts.js";
import { go, href, place, setQuery } from "../route.js";
import { print, schemaOf, streaming, type Piece, type Schema } from "../schema.js";

const snippet = `// A typed handler, from generated code:
err := d.Register("users", func(s *connect.Server) {
	usersv1connect.RegisterUserServiceHandler(s, users{})
})`;

export function Services() {
  const [namespace, name] = place.value.args;
  const query = place.value.query.get("q") ?? "";
  const all = services.value;
  if (servicesError.value && !all) return <Problem title="The services cannot be listed" text={servicesError.value} />;
  if (!all) return <p class="dim" aria-busy="true">Asking the collector…</p>;
  const found = all.map((s) => ({ s, methods: s.methods.filter((m) => fits(query, s.namespace + " " + spoken(m.procedure))) })).filter((x) => x.methods.length > 0);
  const chosen = all.find((s) => s.namespace === namespace && s.name === name);
  const total = all.reduce((n, s) => n + s.methods.length, 0);
  const enter = (e: KeyboardEvent) => {
    const first = found[0];
    if (e.key === "Enter" && first) go(href("call", [first.s.namespace, first.s.name, first.methods[0].name]));
  };
  return (
    <section aria-labelledby="services-title">
      <h1 id="services-title">Services</h1>
      {(collectors.value?.missing ?? []).map((id) => <p key={id} class="notice amber" role="status">{id} did not answer in 1 s.</p>)}
      {all.length === 0 ? (
        <Empty title="No services yet."><p>{status.value?.collectorId} serves nothing and no peer shares a namespace with methods in it.</p><pre>{snippet}</pre></Empty>
      ) : (
        <div class={"split" + (chosen ? " open" : "")}>
          <div class={chosen ? "tree" : "tree wide"}>
            <input type="search" aria-label="Find a method" placeholder="Find a method   /" value={query} onInput={(e) => setQuery({ q: e.currentTarget.value })} onKeyDown={enter} />
            {found.length === 0 ? <Empty title={`0 of ${total} match.`}><button type="button" onClick={() => setQuery({ q: undefined })}>Clear filters</button></Empty> : <Tree found={found} chosen={chosen} query={query} />}
          </div>
          {chosen ? <Detail key={namespace + name} service={chosen} /> : null}
        </div>
      )}
    </section>
  );
}

function Tree({ found, chosen, query }: { found: { s: Service; methods: Method[] }[]; chosen?: Service; query: string }) {
  const spaces = [...new Set(found.map((x) => x.s.namespace))];
  return (
    <>
      {spaces.map((n) => (
        <section key={n} aria-label={"Namespace " + n}>
          <h2 class="space">{n}</h2>
          {found.filter((x) => x.s.namespace === n).map(({ s, methods }) => (
            <div key={s.name} class="service">
              <h3><a href={href("services", [s.namespace, s.name], { q: query })} aria-current={s === chosen ? "true" : undefined}>{s.name}</a></h3>
              <ul class="plain">
                {methods.map((m) => (
                  <li key={m.name} data-row>
                    <a href={href("call", [s.namespace, s.name, m.name])}>{m.name}</a>{" "}
                    {streaming(m) === "unary" ? null : <span class="kind">{streaming(m)}</span>}{" "}
                    <small>{m.collectorIds.length > 0 ? "on " + m.collectorIds.join(", ") : <span class="error">nobody now</span>}</small>
                    {m.skews.map((k) => <small key={k.collectorId} data-skew={k.collectorId} class={k.compatible ? "dim" : "warn"}> · {skewWord(k)} on {k.collectorId}</small>)}
                  </li>
                ))}
              </ul>
            </div>
          ))}
        </section>
      ))}
    </>
  );
}

function Detail({ service }: { service: Service }) {
  const schema = useSignal<Schema | undefined>(undefined);
  const error = useSignal("");
  const holder = service.methods.flatMap((m) => m.collectorIds)[0] ?? "";
  const type = place.value.query.get("type") ?? "";
  useEffect(() => {
    schemaOf(holder).then((s) => (schema.value = s), (e) => (error.value = textOf(e)));
  }, [holder]);
  const desc = schema.value && type ? (schema.value.registry.getMessage(type) ?? schema.value.registry.getEnum(type)) : undefined;
  const comments = schema.value?.comments ?? new Map<string, string>();
  return (
    <article class="panel wide" aria-label={service.name}>
      <h2>{service.name} <span class="tag">{service.namespace}</span></h2>
      <p><Prose text={comments.get(service.name)} /></p>
      {error.value ? <Problem title={`${holder} does not tell its schemas`} text={error.value} /> : null}
      <div class="scroll" tabIndex={0} role="region" aria-label="Methods"><table>
        <thead><tr><th>Method</th><th>Takes</th><th>Answers</th><th>Served by</th><th><span class="visually-hidden">Actions</span></th></tr></thead>
        <tbody>
          {service.methods.map((m) => (
            <tr key={m.name}>
              <td><b>{m.name}</b> <span class="kind">{streaming(m)}</span><br /><small><Prose text={comments.get(service.name + "." + m.name)} /></small><Skews of={m.skews} /></td>
              <td class="whole"><TypeLink name={m.inputType} /></td>
              <td class="whole"><TypeLink name={m.outputType} /></td>
              <td>{m.collectorIds.length ? m.collectorIds.map((id) => <a key={id} class="tag" href={href("collectors", [id])}>{id}</a>) : <span class="error">nobody now</span>}</td>
              <td class="tight">
                <a class="button small" href={href("call", [service.namespace, service.name, m.name])}>Call</a>{" "}
                <a class="button small" href={href("traffic", [], { procedure: m.procedure })}>Traffic</a>
              </td>
            </tr>
          ))}
        </tbody>
      </table></div>
      {type ? (desc ? <><h3>{type}</h3><Source pieces={print(desc, comments)} /></> : schema.value ? <p class="dim">{holder} does not know {type}.</p> : null) : null}
      <Command text={`collector services describe ${type || service.name}`} />
    </article>
  );
}

/** Skews says who has another schema of a method, and what differs as far as that is known. */
function Skews({ of }: { of: SchemaSkew[] }) {
  if (of.length === 0) return null;
  return (
    <ul class="plain">
      {of.map((k) => (
        <li key={k.collectorId} data-skew={k.collectorId}>
          <small class={k.compatible ? "dim" : "warn"}>{k.collectorId} {k.reason}{k.compatible ? "" : "; calls do not go there"}</small>
        </li>
      ))}
    </ul>
  );
}

/** skewWord is the schema of a method on another collector beside the one the method has here. */
function skewWord(k: SchemaSkew): string {
  return k.compatible ? "compatible schema" : k.pending ? "unknown schema" : "incompatible schema";
}

function TypeLink({ name }: { name: string }) {
  if (!name) return <span class="dim">any</span>;
  return <button type="button" class="link mono" onClick={() => setQuery({ type: name })}>{name.slice(name.lastIndexOf(".") + 1)}</button>;
}

export function Source({ pieces }: { pieces: Piece[] }) {
  return (
    <pre class="source" tabIndex={0}>
      {pieces.map((p, i) => (p.to ? <button key={i} type="button" class="link" onClick={() => setQuery({ type: p.to })}>{p.text}</button> : <span key={i} class={p.kind}>{p.text}</span>))}
    </pre>
  );
}

