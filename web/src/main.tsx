import { render, type ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { signal } from "@preact/signals";
import "uplot/dist/uPlot.min.css";
import "./style.css";
import { asOf, link, notice, restart, start, status } from "./live.js";
import { may, spokenId, who } from "./access.js";
import { build, readonly, readonlyReason, base } from "./api.js";
import { follow, href, place } from "./route.js";
import { Help, helpOpen, onKey, pages, Palette, paletteOpen, quiet } from "./keys.js";
import { theme, type Theme } from "./theme.js";
import { clock, span, millis } from "./format.js";
import { Mesh } from "./pages/mesh.js";
import { Collector } from "./pages/collector.js";
import { Connections } from "./pages/connections.js";
import { Services } from "./pages/services.js";
import { Traffic } from "./pages/traffic.js";
import { Health } from "./pages/health.js";
import { LogIn, Who } from "./pages/who.js";

/** later loads a page's code when it is opened first. */
function later(load: () => Promise<ComponentType>): ComponentType {
  const loaded = signal<ComponentType | undefined>(undefined);
  const failed = signal("");
  return function Later() {
    useEffect(() => {
      load().then(
        (page) => (loaded.value = page),
        () => (failed.value = "This page was not found: the collector has another version of the console."),
      );
    }, []);
    const Page = loaded.value;
    if (failed.value) return <p class="problem">{failed.value} <button onClick={() => location.reload()}>Load it anew</button></p>;
    return Page ? <Page /> : <p class="dim" aria-busy="true">Loading…</p>;
  };
}

const views: Record<string, ComponentType> = {
  mesh: Mesh,
  collectors: Collector,
  connections: Connections,
  services: Services,
  call: later(async () => (await import("./pages/call.js")).Call),
  traffic: Traffic,
  metrics: later(async () => (await import("./pages/metrics.js")).Metrics),
  health: Health,
  who: Who,
};

/** open are the pages for those who may not observe. */
const open = ["services", "call", "who"];

const now = signal(Date.now());
setInterval(() => (now.value = Date.now()), 1000);

function Badge() {
  const l = link.value;
  if (l.state === "lost") {
    const wait = Math.max(0, Math.ceil((l.retryAt - now.value) / 1000));
    return (
      <button class="badge lost" title={l.why} onClick={restart}>
        Reconnecting{wait > 0 ? ` (${wait} s)` : ""}…
      </button>
    );
  }
  return <span class={"badge " + l.state}>{l.state === "live" ? "Live" : l.state === "hidden" ? "Paused" : l.state === "denied" ? "Not shown" : "Connecting…"}</span>;
}

function Header() {
  const s = status.value;
  return (
    <header class="top">
      <a class="brand" href={href("mesh")} aria-label="collective, mesh page">
        <svg viewBox="0 0 16 16" width="22" height="22" aria-hidden="true">
          <path d="M4 4l8 2-5 6z" fill="none" stroke="currentColor" stroke-width="1.4" />
          <circle cx="4" cy="4" r="2.3" /><circle cx="12" cy="6" r="2.3" /><circle cx="7" cy="12" r="2.3" />
        </svg>
        <span>collective</span>
      </a>
      <nav aria-label="Pages">
        {pages.map(([page, title]) => (
          <a key={page} href={href(page)} aria-current={place.value.page === page || (page === "mesh" && place.value.page === "collectors") ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <div class="right">
        {s ? <span class="self" title={`up ${span(now.value - millis(s.startedAt))}`}><b>{s.collectorId}</b> <small>{s.address}</small></span> : null}
        {readonly ? <span class="badge" title={readonlyReason}>read-only</span> : null}
        {who.value ? <a class="who" href={href("who")} aria-current={place.value.page === "who" ? "page" : undefined}>{spokenId(who.value)}</a> : null}
        <Badge />
        <button class="icon" aria-label="Go to a page, method or collector" title="Ctrl K" onClick={() => (paletteOpen.value = true)}>⌕</button>
        <select aria-label="Theme" value={theme.value} onChange={(e) => (theme.value = e.currentTarget.value as Theme)}>
          <option value="system">system</option>
          <option value="light">light</option>
          <option value="dark">dark</option>
        </select>
        <button class="icon" aria-label="Keys" title="?" onClick={() => (helpOpen.value = true)}>?</button>
      </div>
    </header>
  );
}

function Notices() {
  const l = link.value;
  return (
    <>
      {l.state === "lost" ? (
        <p class="notice amber" role="status">
          {l.why} {asOf.value ? <>What you see is as of <b>{clock(asOf.value)}</b>.</> : null}
        </p>
      ) : null}
      {notice.value ? (
        <p class="notice" role="status">
          {notice.value} <button class="small" onClick={() => (notice.value = "")}>Dismiss</button>
        </p>
      ) : null}
      {outdated.value ? (
        <p class="notice amber" role="status">
          The collector has a newer console. <button class="small" onClick={() => location.reload()}>Load it</button>
        </p>
      ) : null}
    </>
  );
}

const outdated = signal(false);

/** checkBuild compares this page's build with the one the collector serves now. */
async function checkBuild(): Promise<void> {
  try {
    const page = await (await fetch(base, { headers: { Accept: "text/html" } })).text();
    outdated.value = !page.includes(build);
  } catch {
    // The badge tells that the collector is away.
  }
}

let wasLost = false;
link.subscribe((l) => {
  if (l.state === "live" && wasLost) void checkBuild();
  wasLost = l.state === "lost";
});

function App() {
  const page = place.value.page;
  const View = views[page] && who.value && !may("observe") && !open.includes(page) ? LogIn : views[page];
  useEffect(() => {
    const title = [...pages, ...quiet].find(([p]) => p === place.value.page)?.[1] ?? place.value.args[0] ?? "";
    document.title = [title, status.value?.collectorId, "collective"].filter(Boolean).join(" · ");
  }, [place.value.page, status.value?.collectorId]);
  return (
    <>
      <a class="skip" href="#main">Skip to the content</a>
      <Header />
      <main id="main" tabIndex={-1} class={link.value.state === "lost" ? "stale" : ""}>
        <Notices />
        {View ? <View key={place.value.page} /> : <NotFound />}
      </main>
      <Palette />
      <Help />
    </>
  );
}

function NotFound() {
  return (
    <div class="empty">
      <h1>There is no page here</h1>
      <p><a href={href("mesh")}>Show the mesh</a></p>
    </div>
  );
}

document.addEventListener("click", follow);
document.addEventListener("keydown", onKey);
start();
render(<App />, document.getElementById("app")!);
