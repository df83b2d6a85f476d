// What a form and the inputs in it know of each other: the value that is edited, and what is around it.
import type { DescEnum, DescMessage, Registry, ScalarType } from "@bufbuild/protobuf";

export interface Context {
  registry: Registry;
  comments: Map<string, string>;
  /** changed is called after every change. */
  changed: () => void;
  /** problems counts fields whose text cannot be sent, by element id. */
  problems: Map<string, string>;
}

/** Slot is one value somewhere in a message: a field, an item of a list, a value of a map. */
export interface Slot {
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

export interface WidgetProps {
  id: string;
  slot: Slot;
  context: Context;
  disabled: boolean;
  attempt: (change: () => void) => void;
  describedBy?: string;
  invalid: boolean;
}

/** aria is what every input says of itself. */
export const aria = (p: WidgetProps) => ({ id: p.id, disabled: p.disabled, "aria-describedby": p.describedBy, "aria-invalid": p.invalid, "aria-label": p.slot.name });
