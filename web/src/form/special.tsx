// The inputs of messages that are written in one piece: those with a form of their own in protobuf's JSON.
import { create, fromJson, toJson, type DescMessage, type JsonValue } from "@bufbuild/protobuf";
import { reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import { useState } from "preact/hooks";
import { goDuration } from "./scalar.js";
import { aria, type WidgetProps } from "./slot.js";

/** special are the messages with a widget of their own. */
export function special(desc: DescMessage): boolean {
  return ["Timestamp", "Duration", "FieldMask", "Struct", "Value", "ListValue", "Any"].some((n) => desc.typeName === "google.protobuf." + n);
}

/** isAny tells the one special message that holds another. */
export const isAny = (desc: DescMessage): boolean => desc.typeName === "google.protobuf.Any";

export function Special(p: WidgetProps) {
  const name = p.slot.message!.typeName.slice("google.protobuf.".length);
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
