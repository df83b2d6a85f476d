// JSON text that keeps 64-bit numbers. JSON.parse reads 9007199254740993 as …992, so long integers are quoted before it
// sees them; the JSON form of protobuf takes both spellings.

/** quoteLong puts quotes around bare integers of more than 15 digits, outside of strings. */
export function quoteLong(text: string): string {
  let out = "", from = 0;
  for (let i = 0; i < text.length; ) {
    const c = text[i];
    if (c === '"') {
      i++;
      while (i < text.length && text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
      i++;
      continue;
    }
    if (c !== "-" && (c < "0" || c > "9")) {
      i++;
      continue;
    }
    const start = i;
    while (i < text.length && /[-+.0-9eE]/.test(text[i])) i++;
    const number = text.slice(start, i);
    if (!/^-?\d{16,}$/.test(number)) continue;
    out += text.slice(from, start) + '"' + number + '"';
    from = i;
  }
  return out + text.slice(from);
}

/** where says what is wrong with JSON text, with line and column; browsers do not agree on telling it. */
export function where(text: string, error: unknown): string {
  const at = firstError(text);
  if (at === undefined) return error instanceof Error ? error.message : String(error);
  const before = text.slice(0, at).split("\n");
  const found = at >= text.length ? "the text ends too early" : `${JSON.stringify(text[at])} does not fit here`;
  return `line ${before.length}, column ${before.at(-1)!.length + 1}: ${found}`;
}

/** firstError is the place at which text stops being JSON; undefined if it is JSON. */
function firstError(text: string): number | undefined {
  let at = 0;
  const space = () => (at += /^\s*/.exec(text.slice(at))![0].length);
  const take = (token: RegExp): boolean => {
    const found = token.exec(text.slice(at));
    if (!found || found.index !== 0) return false;
    at += found[0].length;
    space();
    return true;
  };
  const string = () => take(/^"(?:[^"\\\n]|\\.)*"/);
  const list = (close: RegExp, item: () => boolean): boolean => {
    if (take(close)) return true;
    do if (!item()) return false;
    while (take(/^,/));
    return take(close);
  };
  const value = (): boolean => {
    if (take(/^\{/)) return list(/^\}/, () => string() && take(/^:/) && value());
    if (take(/^\[/)) return list(/^\]/, value);
    return string() || take(/^(?:true|false|null)\b/) || take(/^-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/);
  };
  space();
  return value() && at === text.length ? undefined : at;
}

export function encodeFragment(json: string): string {
  const bytes = new TextEncoder().encode(json);
  let binary = "";
  for (const b of bytes) binary += String.fromCharCode(b);
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

export function decodeFragment(text: string): string {
  const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return new TextDecoder().decode(Uint8Array.from(binary, (c) => c.charCodeAt(0)));
}
