// The small parts that all pages use.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { ConnectionState } from "./gen/collector/dispatcher_pb.js";
import { stateName } from "./format.js";
import { may } from "./access.js";
import { readonly, readonlyReason } from "./api.js";

const shapes: Record<string, string> = { active: "●", idle: "◐", stale: "◌", closed: "○", failed: "✕", unknown: "·" };

/** State is colour, shape and word, so that no one of them is needed. */
export function State({ of }: { of: ConnectionState }) {
  const name = stateName(of);
  return (
    <span class={"state " + name}>
      <span aria-hidden="true">{shapes[name]}</span> {name}
    </span>
  );
}

/** Verdict is how a call ended. */
export function Verdict({ code, reason }: { code: string; reason?: string }) {
  return (
    <span class={"verdict " + (code === "ok" ? "ok" : "bad")}>
      <span aria-hidden="true">{code === "ok" ? "✓" : "✕"}</span> {code}
      {reason && reason !== code ? <small> {reason}</small> : null}
    </span>
  );
}

/** Prose is a comment of a schema: what stands in backticks is code. */
export function Prose({ text = "" }: { text?: string }) {
  return <>{text.split("`").map((part, i) => (i % 2 ? <code key={i}>{part}</code> : part))}</>;
}

export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
      setTimeout(() => setDone(false), 1500);
    } catch {
      setDone(false);
    }
  };
  return (
    <button type="button" class="small" onClick={copy}>
      {done ? "Copied" : label}
    </button>
  );
}

/** Command is something to paste into a terminal. */
export function Command({ text }: { text: string }) {
  return (
    <div class="command">
      <code>{text}</code>
      <Copy text={text} />
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

const operateReason = "You may not operate this collector. Log in by the link that collector console prints.";

/** Act is a button that changes something: who may not, and a read-only console, sees it disabled, with the reason. */
export function Act(props: { onClick?: () => void; children: ComponentChildren; class?: string; disabled?: boolean; type?: "button" | "submit"; title?: string }) {
  return (
    <button
      type={props.type ?? "button"}
      class={props.class}
      disabled={readonly || !may("operate") || props.disabled}
      title={readonly ? readonlyReason : may("operate") ? props.title : operateReason}
      onClick={props.onClick}
    >
      {props.children}
    </button>
  );
}

export function Facts({ of }: { of: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Tags({ of }: { of: string[] }) {
  return of.length === 0 ? <span class="dim">none</span> : <>{of.map((n) => <span key={n} class="tag">{n}</span>)}</>;
}

export function Problem({ title, text, children }: { title: string; text: string; children?: ComponentChildren }) {
  return (
    <div class="problem" role="alert">
      <strong>{title}</strong>
      <p>{text}</p>
      {children}
    </div>
  );
}

/** Tabs follow the arrow keys, as tabs do. */
export function Tabs({ names, at, onPick, label }: { names: string[]; at: string; onPick: (name: string) => void; label: string }) {
  const move = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const next = names[(names.indexOf(at) + step + names.length) % names.length];
    onPick(next);
    (event.currentTarget as Element).querySelector<HTMLElement>(`[data-tab="${next}"]`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={label} onKeyDown={move}>
      {names.map((name) => (
        <button key={name} type="button" role="tab" data-tab={name} aria-selected={name === at} tabIndex={name === at ? 0 : -1} onClick={() => onPick(name)}>
          {name}
        </button>
      ))}
    </div>
  );
}
