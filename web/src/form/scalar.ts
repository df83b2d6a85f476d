// Scalars as text and back.
import { ScalarType } from "@bufbuild/protobuf";

export type BytesForm = "text" | "hex" | "base64";

export const isLong = (t: ScalarType) =>
  [ScalarType.INT64, ScalarType.UINT64, ScalarType.FIXED64, ScalarType.SFIXED64, ScalarType.SINT64].includes(t);

/** parse reads what was typed; it throws with what is wrong. Empty text is the zero value. */
export function parse(type: ScalarType, text: string, form: BytesForm = "text"): unknown {
  const trimmed = text.trim();
  switch (type) {
    case ScalarType.STRING:
      return text;
    case ScalarType.BYTES:
      return parseBytes(text, form);
    case ScalarType.BOOL:
      return trimmed === "true";
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      if (trimmed === "") return 0;
      if (trimmed === "NaN") return NaN;
      return checked(Number(trimmed.replace(/^([-+]?)(inf|infinity|∞)$/i, "$1Infinity")), trimmed);
  }
  if (isLong(type)) {
    if (trimmed === "") return 0n;
    if (!/^-?\d+$/.test(trimmed)) throw new Error(`“${trimmed}” is not a whole number`);
    return BigInt(trimmed);
  }
  return trimmed === "" ? 0 : checked(Number(trimmed), trimmed);
}

function checked(n: number, text: string): number {
  if (Number.isNaN(n)) throw new Error(`“${text}” is not a number`);
  return n;
}

export function write(type: ScalarType, value: unknown, form: BytesForm = "text"): string {
  if (type === ScalarType.BYTES) return writeBytes(value as Uint8Array, form);
  return String(value);
}

function parseBytes(text: string, form: BytesForm): Uint8Array {
  if (form === "text") return new TextEncoder().encode(text);
  if (form === "hex") {
    const digits = text.replace(/\s/g, "");
    if (!/^([0-9a-fA-F]{2})*$/.test(digits)) throw new Error("hex is pairs of the digits 0-9 and a-f");
    return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  }
  try {
    return Uint8Array.from(atob(text.trim().replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  } catch {
    throw new Error("this is not base64");
  }
}

function writeBytes(value: Uint8Array, form: BytesForm): string {
  if (form === "text") return new TextDecoder().decode(value);
  if (form === "hex") return [...value].map((b) => b.toString(16).padStart(2, "0")).join(" ");
  return btoa(String.fromCharCode(...value));
}

/** isText reports whether bytes survive being shown as text. */
export function isText(value: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(value);
    return true;
  } catch {
    return false;
  }
}

const nanosOf: Record<string, bigint> = { h: 3_600_000_000_000n, m: 60_000_000_000n, s: 1_000_000_000n, ms: 1_000_000n, us: 1000n, µs: 1000n, ns: 1n };

/** goDuration turns 1m30s into the 90s that protobuf's JSON takes, without rounding on the way. */
export function goDuration(text: string): string {
  const sign = text.trim().startsWith("-") ? "-" : "";
  const rest = text.trim().replace(/^[-+]/, "");
  if (!/^(\d+(\.\d+)?(h|ms|us|µs|ns|m|s))+$/.test(rest)) throw new Error("a duration is like 1m30s or 250ms");
  let nanos = 0n;
  for (const [, whole, part = "", unit] of rest.matchAll(/(\d+)(?:\.(\d+))?(h|ms|us|µs|ns|m|s)/g)) nanos += (BigInt(whole + part) * nanosOf[unit]) / 10n ** BigInt(part.length);
  const fraction = String(nanos % 1_000_000_000n).padStart(9, "0").replace(/0+$/, "");
  return sign + String(nanos / 1_000_000_000n) + (fraction ? "." + fraction : "") + "s";
}
