// A request form made from a descriptor. The state is a real message: what a widget sets is set there, and what cannot be
// set says why at the field. Nested messages are built when they are set or opened, so recursive types have no bottom to
// fall through.
import { ScalarType, type DescField, type DescOneof } from "@bufbuild/protobuf";
import { reflect, type ReflectList, type ReflectMap, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { useEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { Prose } from "../parts.js";
import { scalarName, typeText } from "../schema.js";
import { AnyOf, type Inside } from "./any.js";
import { isLong, parse } from "./scalar.js";
import type { Context, Slot, WidgetProps } from "./slot.js";
import { special } from "./special.js";
import { Widget } from "./widgets.js";

let ids = 0;
const useId = (): string => useRef("f" + ++ids).current;

/** batch is how many fields are drawn at once; the others follow, so that a message of hundreds does not stop the page. */
const batch = 25;

interface FormProps {
  of: ReflectMessage;
  context: Context;
  /** commit puts the message back where it belongs. */
  commit: () => void;
}

/** Fields is the form of a message. */
export function Fields(props: FormProps) {
  if (props.of.desc.fields.length === 0) return <p class="dim">No fields.</p>;
  return <div class="fields"><Batch from={0} {...props} /></div>;
}

/** Batch draws the fields from one on, and the later ones when the page has had time for other things. */
function Batch({ from, ...props }: FormProps & { from: number }) {
  const to = from + batch;
  const more = to < props.of.members.length;
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const next = more ? setTimeout(() => setOpen(true)) : undefined;
    return () => clearTimeout(next);
  }, [more]);
  return (
    <>
      {props.of.members.slice(from, to).map((m) => (m.kind === "oneof" ? <Oneof key={m.name} oneof={m} {...props} /> : <Field key={m.name} field={m} {...props} />))}
      {!more ? null : open ? <Batch from={to} {...props} /> : <p class="dim" aria-busy="true">More fields…</p>}
    </>
  );
}

interface FieldProps extends FormProps {
  field: DescField;
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

export function Value({ slot, context, set = true, toggle, after }: { slot: Slot; context: Context; set?: boolean; toggle?: (on: boolean) => void; after?: ComponentChildren }) {
  const id = useId();
  const head = (
    <>
      {toggle ? <input type="checkbox" checked={set} aria-label={`set ${slot.name}`} onChange={(e) => toggle(e.currentTarget.checked)} /> : null}
      <span class="name">{slot.name}</span> <small class="type">{slot.type}</small>
    </>
  );
  const help = slot.help ? <p class="help" id={id + "-help"}><Prose text={slot.help} /></p> : null;
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
      <Widget id={id} slot={slot} context={context} disabled={!set} any={AnyForm} />
      {help}
    </div>
  );
}

const inside: Inside = (message, around) =>
  special(message.message!) ? <Value key={message.type} slot={message} context={around.context} />
    : <Fields key={message.type} of={message.get() as ReflectMessage} context={around.context} commit={() => around.attempt(() => message.set(message.get()))} />;

function AnyForm(props: WidgetProps) {
  return <AnyOf {...props} inside={inside} />;
}

function Nested({ slot, context }: { slot: Slot; context: Context }) {
  const message = slot.get() as ReflectMessage;
  return <Fields of={message} context={context} commit={() => slot.set(message)} />;
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
  return text ? <p class="help"><Prose text={text} /></p> : null;
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

function Oneof({ oneof, of, context, commit }: FormProps & { oneof: DescOneof }) {
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
