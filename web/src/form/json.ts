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

/** where turns the position in an error of JSON.parse into line and column of the text as it was typed. */
export function where(text: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const at = /position (\d+)/.exec(message);
  if (!at) return message;
  const before = text.slice(0, Number(at[1])).split("\n");
  return `line ${before.length}, column ${before.at(-1)!.length + 1}: ${message.replace(/ (in JSON )?at position.*$/, "")}`;
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
