// The inputs of single values. Each writes what it reads into its slot, and says at the field why it cannot.
import { ScalarType } from "@bufbuild/protobuf";
import type { ComponentType } from "preact";
import { useState } from "preact/hooks";
import { isLong, isText, parse, write, type BytesForm } from "./scalar.js";
import { aria, type Context, type Slot, type WidgetProps } from "./slot.js";
import { isAny, Special } from "./special.js";

/** Widget is the input of a slot; any is that of one which holds an Any. */
export function Widget({ id, slot, context, disabled, any: Any }: { id: string; slot: Slot; context: Context; disabled: boolean; any: ComponentType<WidgetProps> }) {
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
      {slot.message ? isAny(slot.message) ? <Any {...props} /> : <Special {...props} /> : slot.enum ? <Enum {...props} /> : slot.scalar === ScalarType.BOOL ? <Bool {...props} /> : slot.scalar === ScalarType.BYTES ? <Bytes {...props} /> : <Text {...props} />}
      {error ? <p class="error" id={id + "-error"} role="alert">{error}</p> : null}
    </>
  );
}

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
  const [lines, setLines] = useState(type === ScalarType.STRING && (text.includes("\n") || text.length > 60));
  if (lines) return <textarea {...aria(p)} rows={4} value={text} onInput={(e) => change(e.currentTarget.value)} />;
  const paste = (e: ClipboardEvent) => {
    const pasted = e.clipboardData?.getData("text") ?? "";
    if (type !== ScalarType.STRING || !pasted.includes("\n")) return; // an input has no line breaks
    const { selectionStart, selectionEnd } = e.currentTarget as HTMLInputElement;
    e.preventDefault();
    setLines(true);
    change(text.slice(0, selectionStart ?? 0) + pasted + text.slice(selectionEnd ?? 0));
  };
  return <input {...aria(p)} type="text" inputMode={mode} spellcheck={false} autocomplete="off" placeholder={type === ScalarType.STRING ? "" : "0"} value={text} onPaste={paste} onInput={(e) => change(e.currentTarget.value)} />;
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

