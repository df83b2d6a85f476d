// The input of an Any: the type of the message in it, and that message.
import { create, fromBinary, toBinary, type DescMessage, type Registry } from "@bufbuild/protobuf";
import { reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { aria, type Slot, type WidgetProps } from "./slot.js";

/** Inside draws the message in an Any. It is given, since a form has inputs and this input has a form. */
export type Inside = (message: Slot, around: WidgetProps) => ComponentChildren;

/** AnyOf packs a message of any type that the collector knows. */
export function AnyOf({ inside, ...p }: WidgetProps & { inside: Inside }) {
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
      {!p.disabled && desc ? <div class="message">{inside(whole(desc), p)}</div>
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
