// A request form made from a descriptor. The state is a real message: what a widget sets is set there, and what cannot be
// set says why at the field. Nested messages are built when they are set or opened, so recursive types have no bottom to
// fall through.
import { create, fromBinary, fromJson, ScalarType, toBinary, toJson, type DescEnum, type DescField, type DescMessage, type DescOneof, type JsonValue, type Registry } from "@bufbuild/protobuf";
import { reflect, type ReflectList, type ReflectMap, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import { FeatureSet_FieldPresence, type Any } from "@bufbuild/protobuf/wkt";
import { useRef, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { scalarName, typeText } from "../schema.js";
import { goDuration, isLong, isText, parse, write, type BytesForm } from "./scalar.js";

export interface Context {
  registry: Registry;
  comments: Map<string, string>;
  /** changed is called after every change. */
  changed: () => void;
  /** problems counts fields whose text cannot be sent, by element id. */
  problems: Map<string, string>;
}

let ids = 0;
const useId = (): string => useRef("f" + ++ids).current;

/** Fields is the form of a message. commit puts the message back where it belongs. */
export function Fields({ of, context, commit }: { of: ReflectMessage; context: Context; commit: () => void }) {
  if (of.desc.fields.length === 0) return <p class="dim">No fields.</p>;
  return (
    <div class="fields">
      {of.members.map((m) => (m.kind === "oneof" ? <Oneof key={m.name} oneof={m} of={of} context={context} commit={commit} /> : <Field key={m.name} field={m} of={of} context={context} commit={commit} />))}
    </div>
  );
}

interface FieldProps {
  field: DescField;
  of: ReflectMessage;
  context: Context;
  commit: () => void;
}

function Field({ field, of, context, commit }: FieldProps) {
  if (field.fieldKind === "list") return <List field={field} of={of} context={context} commit={commit} />;
  if (field.fieldKind === "map") return <MapOf field={field} of={of} context={context} commit={commit} />;
  const optional = !field.oneof && (field.fieldKind === "message" || field.presence === FeatureSet_FieldPresence.EXPLICIT);
  const set = of.isSet(field);
  const slot: Slot = {
    name: field.name, type: typeText(field), help: context.comments.get(field.parent.typeName + "." + field.name),
    scalar: field.fieldKind === "scalar" ? field.scalar : undefined,
    enum: field.fieldKind === "enum" ? field.enum : undefined,
    message: field.fieldKind === "message" ? field.message : undefined,
    get: () => of.get(field),
    set: (v) => (of.set(field, v as never), commit()),
  };
  if (!optional) return <Value slot={slot} context={context} />;
  const toggle = (on: boolean) => {
    if (on) slot.set(field.fieldKind === "message" ? reflect(field.message) : of.get(field));
    else (of.clear(field), commit());
    context.changed();
  };
  return <Value slot={slot} context={context} set={set} toggle={toggle} />;
}

/** Slot is one value somewhere in a message: a field, an item of a list, a value of a map. */
interface Slot {
  name: string;
  type: string;
  help?: string;
  scalar?: ScalarType;
  enum?: DescEnum;
  message?: DescMessage;
  get: () => unknown;
  /** set throws with what is wrong. */
  set: (value: unknown) => void;
}

function Value({ slot, context, set = true, toggle, after }: { slot: Slot; context: Context; set?: boolean; toggle?: (on: boolean) => void; after?: ComponentChildren }) {
  const id = useId();
  const head = (
    <>
      {toggle ? <input type="checkbox" checked={set} aria-label={`set ${slot.name}`} onChange={(e) => toggle(e.currentTarget.checked)} /> : null}
      <span class="name">{slot.name}</span> <small class="type">{slot.type}</small>
    </>
  );
  const help = slot.help ? <p class="help" id={id + "-help"}>{slot.help}</p> : null;
  if (slot.message && !special(slot.message)) {
    return (
      <fieldset class="message" data-field={slot.name}>
        <legend>{head}{after}</legend>
        {help}
        {set ? <Nested slot={slot} context={context} /> : null}
      </fieldset>
    );
  }
  return (
    <div class={"field" + (set ? "" : " unset")} data-field={slot.name}>
      <div class="label">{toggle ? head : <label for={id}>{head}</label>}{after}</div>
      <Widget id={id} slot={slot} context={context} disabled={!set} />
      {help}
    </div>
  );
}

function Nested({ slot, context }: { slot: Slot; context: Context }) {
  const message = slot.get() as ReflectMessage;
  return <Fields of={message} context={context} commit={() => slot.set(message)} />;
}

/** special are the messages with a widget of their own. */
function special(desc: DescMessage): boolean {
  return ["Timestamp", "Duration", "FieldMask", "Struct", "Value", "ListValue", "Any"].some((n) => desc.typeName === "google.protobuf." + n);
}

function Widget({ id, slot, context, disabled }: { id: string; slot: Slot; context: Context; disabled: boolean }) {
  const [error, setError] = useState(context.problems.get(id) ?? "");
  const attempt = (change: () => void) => {
    let problem = "";
    try {
      change();
    } catch (e) {
      problem = (e as Error).message.replace(/^\S+ (?=expected)/, "");
    }
    if (problem) context.problems.set(id, problem);
    else context.problems.delete(id);
    setError(problem);
    context.changed();
  };
  const props = { id, slot, context, disabled, attempt, describedBy: [slot.help ? id + "-help" : "", error ? id + "-error" : ""].filter(Boolean).join(" ") || undefined, invalid: error !== "" };
  return (
    <>
      {slot.message ? <Special {...props} /> : slot.enum ? <Enum {...props} /> : slot.scalar === ScalarType.BOOL ? <Bool {...props} /> : slot.scalar === ScalarType.BYTES ? <Bytes {...props} /> : <Text {...props} />}
      {error ? <p class="error" id={id + "-error"} role="alert">{error}</p> : null}
    </>
  );
}

interface WidgetProps {
  id: string;
  slot: Slot;
  context: Context;
  disabled: boolean;
  attempt: (change: () => void) => void;
  describedBy?: string;
  invalid: boolean;
}

const aria = (p: WidgetProps) => ({ id: p.id, disabled: p.disabled, "aria-describedby": p.describedBy, "aria-invalid": p.invalid, "aria-label": p.slot.name });

function Text(p: WidgetProps) {
  const type = p.slot.scalar!;
  const value = p.slot.get();
  const zero = value === "" || value === 0 || value === 0n;
  const [text, setText] = useState(zero ? "" : write(type, value));
  const change = (next: string) => {
    setText(next);
    p.attempt(() => p.slot.set(parse(type, next)));
  };
  const mode = type === ScalarType.STRING ? "text" : isLong(type) ? "numeric" : "decimal";
  if (type === ScalarType.STRING && (text.includes("\n") || text.length > 60)) {
    return <textarea {...aria(p)} rows={4} value={text} onInput={(e) => change(e.currentTarget.value)} />;
  }
  return <input {...aria(p)} type="text" inputMode={mode} spellcheck={false} autocomplete="off" placeholder={type === ScalarType.STRING ? "" : "0"} value={text} onInput={(e) => change(e.currentTarget.value)} />;
}

function Bool(p: WidgetProps) {
  return <input {...aria(p)} type="checkbox" checked={p.slot.get() === true} onChange={(e) => p.attempt(() => p.slot.set(e.currentTarget.checked))} />;
}

function Bytes(p: WidgetProps) {
  const [form, setForm] = useState<BytesForm>(() => (isText(p.slot.get() as Uint8Array) ? "text" : "hex"));
  const [text, setText] = useState(() => write(ScalarType.BYTES, p.slot.get(), form));
  const change = (next: string) => {
    setText(next);
    p.attempt(() => p.slot.set(parse(ScalarType.BYTES, next, form)));
  };
  const pick = async (file: File | undefined) => {
    if (!file) return;
    const content = new Uint8Array(await file.arrayBuffer());
    p.attempt(() => p.slot.set(content));
    setForm("base64");
    setText(write(ScalarType.BYTES, content, "base64"));
  };
  return (
    <div class="row">
      <input {...aria(p)} type="text" spellcheck={false} value={text} onInput={(e) => change(e.currentTarget.value)} />
      <select aria-label={`${p.slot.name} written as`} disabled={p.disabled} value={form} onChange={(e) => {
        const next = e.currentTarget.value as BytesForm;
        setForm(next);
        setText(write(ScalarType.BYTES, p.slot.get(), next));
      }}>
        <option>text</option><option>hex</option><option>base64</option>
      </select>
      <label class="button small file">File<input type="file" disabled={p.disabled} onChange={(e) => void pick(e.currentTarget.files?.[0])} /></label>
    </div>
  );
}

/** Enum offers the known values, and a number for those the schema does not know. */
function Enum(p: WidgetProps) {
  const value = p.slot.get() as number;
  const known = p.slot.enum!.values.some((v) => v.number === value);
  const [free, setFree] = useState(!known);
  return (
    <div class="row">
      <select {...aria(p)} value={free ? "?" : String(value)} onChange={(e) => {
        const picked = e.currentTarget.value;
        setFree(picked === "?");
        if (picked !== "?") p.attempt(() => p.slot.set(Number(picked)));
      }}>
        {p.slot.enum!.values.map((v) => <option key={v.name} value={String(v.number)}>{v.name} = {v.number}</option>)}
        {p.slot.enum!.open ? <option value="?">another number…</option> : null}
      </select>
      {free ? <input type="text" inputMode="numeric" aria-label={p.slot.name + " number"} value={String(value)} onInput={(e) => p.attempt(() => p.slot.set(parse(ScalarType.INT32, e.currentTarget.value)))} /> : null}
    </div>
  );
}

function Special(p: WidgetProps) {
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
      {!p.disabled && desc ? <div class="message"><Fields key={desc.typeName} of={inner.current!} context={p.context} commit={() => p.attempt(commit)} /></div>
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

function List({ field, of, context, commit }: FieldProps & { field: DescField & { fieldKind: "list" } }) {
  const list = of.get(field) as ReflectList;
  const [version, setVersion] = useState(0);
  const items = [...list];
  const rebuild = (next: unknown[]) => {
    list.clear();
    for (const v of next) list.add(v as never);
    setVersion(version + 1); // the rows are other ones now
    commit();
    context.changed();
  };
  const zero = () => (field.listKind === "message" ? reflect(field.message) : field.listKind === "enum" ? field.enum.values[0].number : zeroOf(field.scalar));
  return (
    <fieldset class="list" data-field={field.name}>
      <legend><span class="name">{field.name}</span> <small class="type">{typeText(field)}</small> <small>{items.length === 0 ? "empty" : items.length === 1 ? "1 item" : items.length + " items"}</small></legend>
      <Help context={context} field={field} />
      {items.map((_, i) => (
        <Value key={version + ":" + i} context={context}
          slot={{
            name: `${field.name} ${i + 1}`, type: "", scalar: field.listKind === "scalar" ? field.scalar : undefined, enum: field.listKind === "enum" ? field.enum : undefined, message: field.listKind === "message" ? field.message : undefined,
            get: () => list.get(i), set: (v) => (list.set(i, v as never), commit()),
          }}
          after={
            <span class="tools">
              <button type="button" class="icon" aria-label={`move ${field.name} ${i + 1} up`} disabled={i === 0} onClick={() => rebuild(swap([...list], i, i - 1))}>↑</button>
              <button type="button" class="icon" aria-label={`remove ${field.name} ${i + 1}`} onClick={() => rebuild([...list].filter((_v, at) => at !== i))}>✕</button>
            </span>
          }
        />
      ))}
      <button type="button" class="small" onClick={() => (list.add(zero() as never), commit(), context.changed())}>Add to {field.name}</button>
    </fieldset>
  );
}

function swap(list: unknown[], a: number, b: number): unknown[] {
  [list[a], list[b]] = [list[b], list[a]];
  return list;
}

function Help({ context, field }: { context: Context; field: DescField }) {
  const text = context.comments.get(field.parent.typeName + "." + field.name);
  return text ? <p class="help">{text}</p> : null;
}

function zeroOf(type: ScalarType): unknown {
  if (type === ScalarType.STRING) return "";
  if (type === ScalarType.BOOL) return false;
  if (type === ScalarType.BYTES) return new Uint8Array();
  return isLong(type) ? 0n : 0;
}

/** MapOf shows rows of key and value. A row whose key is taken or cannot be read stays out of the message and says so. */
function MapOf({ field, of, context, commit }: FieldProps & { field: DescField & { fieldKind: "map" } }) {
  const map = of.get(field) as ReflectMap;
  const [draft, setDraft] = useState("");
  const [error, setError] = useState("");
  const id = useId();
  const add = () => {
    try {
      const key = parse(field.mapKey, draft) as never;
      if (map.has(key)) throw new Error(`“${draft}” is there already`);
      map.set(key, (field.mapKind === "message" ? reflect(field.message) : field.mapKind === "enum" ? field.enum.values[0].number : zeroOf(field.scalar)) as never);
      setDraft("");
      setError("");
      commit();
      context.changed();
    } catch (e) {
      setError((e as Error).message);
    }
  };
  return (
    <fieldset class="list" data-field={field.name}>
      <legend><span class="name">{field.name}</span> <small class="type">{typeText(field)}</small> <small>{map.size === 0 ? "empty" : map.size + (map.size === 1 ? " entry" : " entries")}</small></legend>
      <Help context={context} field={field} />
      {[...map.keys()].map((key) => (
        <Value key={String(key)} context={context}
          slot={{
            name: `${field.name} ${String(key)}`, type: "", scalar: field.mapKind === "scalar" ? field.scalar : undefined, enum: field.mapKind === "enum" ? field.enum : undefined, message: field.mapKind === "message" ? field.message : undefined,
            get: () => map.get(key as never), set: (v) => (map.set(key as never, v as never), commit()),
          }}
          after={<span class="tools"><button type="button" class="icon" aria-label={`remove ${field.name} ${String(key)}`} onClick={() => (map.delete(key as never), commit(), context.changed())}>✕</button></span>}
        />
      ))}
      <div class="row">
        <input id={id} type="text" aria-label={`new key of ${field.name}`} placeholder={scalarName(field.mapKey) + " key"} value={draft} aria-describedby={error ? id + "-error" : undefined} aria-invalid={error !== ""}
          onInput={(e) => setDraft(e.currentTarget.value)} onKeyDown={(e) => e.key === "Enter" && !e.ctrlKey && (e.preventDefault(), add())} />
        <button type="button" class="small" onClick={add}>Add to {field.name}</button>
      </div>
      {error ? <p class="error" id={id + "-error"} role="alert">{error}</p> : null}
    </fieldset>
  );
}

function Oneof({ oneof, of, context, commit }: { oneof: DescOneof; of: ReflectMessage; context: Context; commit: () => void }) {
  const chosen = of.oneofCase(oneof);
  const id = useId();
  const choose = (field: DescField | undefined) => {
    if (chosen) of.clear(chosen);
    if (field) of.set(field, (field.fieldKind === "message" ? reflect(field.message) : field.fieldKind === "enum" ? field.enum.values[0].number : zeroOf((field as { scalar: ScalarType }).scalar)) as never);
    commit();
    context.changed();
  };
  return (
    <fieldset class="oneof" data-field={oneof.name}>
      <legend><span class="name">{oneof.name}</span> <small class="type">one of</small></legend>
      <div class="row radios">
        <label><input type="radio" name={id} checked={!chosen} onChange={() => choose(undefined)} /> none</label>
        {oneof.fields.map((f) => <label key={f.name}><input type="radio" name={id} checked={chosen === f} onChange={() => choose(f)} /> {f.name}</label>)}
      </div>
      {chosen ? <Field key={chosen.name} field={chosen} of={of} context={context} commit={commit} /> : null}
    </fieldset>
  );
}
