// The inputs of messages that are written in one piece: those with a form of their own in protobuf's JSON, and Any.
import { create, fromBinary, fromJson, toBinary, toJson, type DescMessage, type JsonValue, type Registry } from "@bufbuild/protobuf";
import { reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import type { Any } from "@bufbuild/protobuf/wkt";
import { useRef, useState } from "preact/hooks";
import { Fields, Value, type Slot } from "./form.js";
import { goDuration } from "./scalar.js";
import { aria, type WidgetProps } from "./widgets.js";

/** special are the messages with a widget of their own. */
export function special(desc: DescMessage): boolean {
  return ["Timestamp", "Duration", "FieldMask", "Struct", "Value", "ListValue", "Any"].some((n) => desc.typeName === "google.protobuf." + n);
}

export function Special(p: WidgetProps) {
  const name = p.slot.message!.typeName.slice("google.protobuf.".length);
  if (name === "Any") return <AnyOf {...p} />;
  if (name === "Timestamp") return <JsonText {...p} placeholder="2026-01-31T12:00:00.123456789Z" read={(t) => (t.trim().includes("T") ? t.trim() : new Date(t).toISOString())} extra={{ label: "now", make: () => new Date().toISOString() }} />;
  if (name === "Duration") return <JsonText {...p} placeholder="1m30s" read={goDuration} />;
  if (name === "FieldMask") return <JsonText {...p} placeholder="user.name,user.email" read={(t) => t.split(",").map((s) => s.trim().replace(/_([a-z])/g, (_m, c: string) => c.toUpperCase())).join(",")} />;
  return <JsonText {...p} area placeholder={name === "ListValue" ? "[]" : name === "Struct" ? "{}" : "null"} read={(t) => JSON.parse(t) as JsonValue} />;
}

/** JsonText is a message that is best written as protobuf's JSON does. */
function JsonText(p: WidgetProps & { placeholder: string; area?: boolean; read: (text: string) => JsonValue; extra?: { label: string; make: () => string } }) {
  const desc = p.slot.message!;
  const [text, setText] = useState(() => (p.disabled ? "" : show(p.slot.get() as ReflectMessage, p.area)));
  const change = (next: string) => {
    setText(next);
    p.attempt(() => p.slot.set(reflect(desc, next.trim() === "" ? create(desc) : fromJson(desc, p.read(next)))));
  };
  return (
    <div class="row">
      {p.area ? <textarea {...aria(p)} rows={3} spellcheck={false} placeholder={p.placeholder} value={text} onInput={(e) => change(e.currentTarget.value)} />
        : <input {...aria(p)} type="text" spellcheck={false} placeholder={p.placeholder} value={text} onInput={(e) => change(e.currentTarget.value)} />}
      {p.extra ? <button type="button" class="small" disabled={p.disabled} onClick={() => change(p.extra!.make())}>{p.extra.label}</button> : null}
    </div>
  );
}

function show(message: ReflectMessage, area?: boolean): string {
  try {
    const json = toJson(message.desc, message.message);
    if (json === "1970-01-01T00:00:00Z" || json === "0s") return "";
    return area ? JSON.stringify(json) : String(json);
  } catch {
    return "";
  }
}

/** AnyOf packs a message of any type that the collector knows. */
function AnyOf(p: WidgetProps) {
  const any = (p.slot.get() as ReflectMessage).message as Any;
  const name = any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1);
  const [typed, setTyped] = useState(name);
  const desc = p.context.registry.getMessage(typed);
  const inner = useRef<ReflectMessage>(undefined);
  if (desc && inner.current?.desc !== desc) inner.current = reflect(desc, name === typed && any.value.length > 0 ? decode(desc, any.value) : create(desc));
  const commit = () => {
    const message = inner.current!;
    const packed = create(p.slot.message!, { typeUrl: "type.googleapis.com/" + message.desc.typeName, value: encode(message) } as never);
    p.slot.set(reflect(p.slot.message!, packed));
  };
  const whole = (message: DescMessage): Slot => ({
    name: message.name, type: message.typeName, message,
    get: () => inner.current!,
    set: (v) => ((inner.current = v as ReflectMessage), commit()),
  });
  const pick = (next: string) => {
    setTyped(next);
    const found = p.context.registry.getMessage(next);
    if (found) {
      inner.current = reflect(found);
      p.attempt(commit);
    } else if (next === "") p.attempt(() => p.slot.set(reflect(p.slot.message!)));
  };
  return (
    <div class="any">
      <input {...aria(p)} type="search" list={p.id + "-types"} placeholder="type, such as shop.v1.Order" value={typed} onInput={(e) => pick(e.currentTarget.value)} />
      <datalist id={p.id + "-types"}>{messagesOf(p.context.registry).map((m) => <option key={m} value={m} />)}</datalist>
      {!p.disabled && desc ? <div class="message">{special(desc) ? <Value key={desc.typeName} slot={whole(desc)} context={p.context} />
        : <Fields key={desc.typeName} of={inner.current!} context={p.context} commit={() => p.attempt(commit)} />}</div>
        : typed ? <p class="dim">{desc ? "" : `No type is called ${typed}. ${any.value.length} bytes are kept as they are.`}</p> : null}
    </div>
  );
}

const decode = (desc: DescMessage, value: Uint8Array) => fromBinary(desc, value);
const encode = (m: ReflectMessage) => toBinary(m.desc, m.message);

const names = new WeakMap<Registry, string[]>();

function messagesOf(registry: Registry): string[] {
  let list = names.get(registry);
  if (!list) {
    list = [...registry].filter((d) => d.kind === "message").map((d) => d.typeName).sort();
    names.set(registry, list);
  }
  return list;
}

