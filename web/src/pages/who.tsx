// Who you are to the collector, how to become somebody who may more, and the end of a session.
import { useSignal } from "@preact/signals";
import { logOut, may, principalOf, who } from "../access.js";
import { origin, textOf } from "../api.js";
import { clock, millis } from "../format.js";
import { Command, Facts, Problem, Tags } from "../parts.js";
import { href } from "../route.js";

/** LogIn stands where a page would be that one may not see. */
export function LogIn() {
  const w = who.value;
  return (
    <section class="login" aria-labelledby="login-title">
      <div class="empty">
        <h1 id="login-title">{w?.session || w?.kind !== "Anonymous" ? `${w?.id} may not look at this collector` : "Log in to look at the mesh"}</h1>
        <How />
        <Open />
        <p><a href={href("who")}>Who you are here, and what you may do</a></p>
      </div>
    </section>
  );
}

function How() {
  return (
    <>
      <p>On the machine of the collector, as the user who runs it:</p>
      <Command text={"collector console -s " + origin} />
      <p class="dim">It prints a link that logs one browser in, within 10 minutes. <code>serve</code> and <code>demo</code> print one at their start.</p>
    </>
  );
}

/** Open is what can be done all the same. */
function Open() {
  if (!may("describe")) return null;
  return (
    <p>
      Without it you can look at the <a href={href("services")}>services</a>{may("call") ? <> and <a href={href("call")}>call methods</a></> : null}.
    </p>
  );
}

export function Who() {
  const busy = useSignal(false);
  const error = useSignal("");
  const w = who.value;
  if (!w) return <p class="dim" aria-busy="true">Asking the collector…</p>;
  const end = async () => {
    busy.value = true;
    error.value = "";
    await logOut().catch((e) => (error.value = textOf(e)));
    busy.value = false;
  };
  return (
    <section aria-labelledby="who-title">
      <h1 id="who-title">{w.kind === "Anonymous" ? "You are not logged in" : w.id}</h1>
      <Facts of={[
        ["Principal", <span key="p" class="mono">{principalOf(w)}</span>],
        ["Groups", <Tags key="g" of={w.groups} />],
        ["From", w.network + (w.tls ? ", by TLS" : "")],
        ["Session", w.session ? `until ${new Date(millis(w.sessionEndsAt)).toLocaleDateString()}, ${clock(millis(w.sessionEndsAt))} at the latest` : "none"],
      ]} />
      {w.session ? <p><button type="button" disabled={busy.value} onClick={() => void end()}>Log out</button></p> : <How />}
      {error.value ? <Problem title="The session was not ended" text={error.value} /> : null}
      <h2>What you may do</h2>
      <table>
        <thead><tr><th>Action</th><th>Allowed</th><th>Decided by</th></tr></thead>
        <tbody>
          {w.rights.map((r) => (
            <tr key={r.action} data-right={r.action} data-allowed={r.allowed}>
              <td class="tight">{r.action}</td>
              <td class="tight">{r.allowed ? <span class="verdict ok"><span aria-hidden="true">✓</span> yes</span> : <span class="verdict bad"><span aria-hidden="true">✕</span> no</span>}</td>
              <td>{r.policies.length > 0 ? <Tags of={r.policies} /> : <span class="dim">no policy permits it</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="dim">Methods and namespaces may have rules of their own.</p>
      {w.access.length > 0 ? <><h2>How this collector decides</h2><ul class="plain">{w.access.map((line) => <li key={line}>{line}</li>)}</ul></> : null}
    </section>
  );
}
