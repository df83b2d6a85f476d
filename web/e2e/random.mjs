// Random requests: what to enter into the form of CookRequest, and how Go's protojson writes it.

/** source is a repeatable source of numbers in [0, 1): mulberry32. */
export function source(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** request answers a plan for enter and the JSON that must arrive. */
export function request(random) {
  const below = (n) => Math.floor(random() * n);
  const pick = (...list) => list[below(list.length)];
  const some = (of, most = 3) => Array.from({ length: 1 + below(most) }, of);
  const word = () => some(() => pick("a", "Z", "ü", "“", "'", '"', "\\", "<b>", "&amp;", "🍵", "中", "\u202e", " x", "0"), 12).join("");
  const wide = (low, high) => {
    const edge = pick(low, high, low + 1n, high - 1n, 9007199254740993n, 1n);
    return random() < 0.6 && edge >= low && edge <= high ? edge : BigInt(1 + below(1e9));
  };
  const signed = [-(2n ** 63n), 2n ** 63n - 1n], unsigned = [1n, 2n ** 64n - 1n];
  const long = ([low, high]) => String(wide(low, high));
  const short = (low, high) => pick(low, high, 1, below(1e6) + 1);
  const float = () => pick([pick("Infinity", "-Infinity", "NaN")].map((t) => [t, t])[0], ...[(below(1e6) + 1) / 8, -1.5e-7].map((n) => [String(n), n]));
  const double = () => (random() < 0.3 ? float() : ((n) => [String(n), n])((random() - 0.5) * 10 ** below(300)));
  const bytes = () => {
    const b = Buffer.from(some(() => below(256), 40));
    const form = pick("hex", "base64");
    return [{ bytes: form === "hex" ? b.toString("hex") : b.toString("base64"), form }, b.toString("base64")];
  };
  const nanos = () => pick("", "5", "123", "000001", "123456789", "999999999", "25");
  const trimmed = (digits) => (digits === "" ? "" : "." + digits.padEnd(Math.ceil(digits.length / 3) * 3, "0")); // protojson writes 0, 3, 6 or 9
  const moment = () => {
    const at = new Date(-62e12 + random() * 300e12).toISOString().slice(0, 19), part = nanos();
    return [{ text: at + (part && "." + part) + "Z" }, at + trimmed(part) + "Z"];
  };
  const span = () => {
    const s = 1 + below(3e11), part = nanos(), sign = pick("", "-");
    const text = pick(`${s}${part && "." + part}s`, `${Math.floor(s / 3600)}h${Math.floor((s % 3600) / 60)}m${s % 60}${part && "." + part}s`);
    return [{ text: sign + text }, `${sign}${s}${trimmed(part)}s`];
  };
  const json = (depth = 0) => pick(null, true, word(), below(1e6) / 4, depth > 2 ? false : some(() => json(depth + 1)), depth > 2 ? "deep" : { [word()]: json(depth + 1), b: json(depth + 1) });
  const asText = (value) => [{ text: JSON.stringify(value) }, value];
  const both = (text) => [{ text }, text];
  const heat = () => pick([1, "HEAT_LOW"], [2, "HEAT_HIGH"], [77, 77], [-3, -3]);
  const pot = (depth = 0) => {
    const plan = { fields: [] }, want = {};
    const add = (field, [node, value]) => (plan.fields.push({ field, ...node }), (want[field] = value));
    if (random() < 0.6) add("name", both(word()));
    if (random() < 0.6) add("litres", both(long(signed)));
    if (depth < 4 && random() < 0.5) add("inner", pot(depth + 1));
    return [plan, want];
  };
  const any = (depth = 0) => {
    const typed = (name, [inner, want], whole) => [
      { type: name, ...(whole ? { whole: { field: name.slice(name.lastIndexOf(".") + 1), ...inner } } : inner) },
      { "@type": "type.googleapis.com/" + name, ...(whole ? { value: want } : want) },
    ];
    if (depth < 3 && random() < 0.4) return typed("google.protobuf.Any", any(depth + 1), true);
    if (random() < 0.3) return typed("google.protobuf.Timestamp", moment(), true);
    if (random() < 0.3) return typed("google.protobuf.Duration", span(), true);
    return typed("collector.testing.v1.Pot", pot());
  };
  const listOf = (of) => {
    const all = some(of);
    return [{ items: all.map(([node]) => node) }, all.map(([, want]) => want)];
  };
  const mapOf = (keys, of) => {
    const all = [...new Set(some(keys))].map((key) => [key, of()]);
    return [{ entries: all.map(([key, [node]]) => [key, node]) }, Object.fromEntries(all.map(([key, [, want]]) => [key, want]))];
  };
  const enumOf = ([number, want]) => [{ number }, want];
  const small = (low, high) => ((n) => [{ text: String(n) }, n])(short(low, high));
  const real = ([text, want]) => [{ text }, want];
  const kinds = {
    text: () => both(word()), blob: bytes, flag: () => [{ on: true }, true],
    int32: () => small(-(2 ** 31), 2 ** 31 - 1), int64: () => both(long(signed)), uint32: () => small(1, 2 ** 32 - 1), uint64: () => both(long(unsigned)),
    sint32: () => small(-(2 ** 31), 2 ** 31 - 1), sint64: () => both(long(signed)), fixed32: () => small(1, 2 ** 32 - 1), fixed64: () => both(long(unsigned)),
    sfixed32: () => small(-(2 ** 31), 2 ** 31 - 1), sfixed64: () => both(long(signed)), float: () => real(float()), double: () => real(double()),
    heat: () => enumOf(heat()), maybe_text: () => pick(both(word()), [{}, ""]), maybe_number: () => pick(both(long(signed)), [{}, "0"]), pot,
    names: () => listOf(() => both(word())), numbers: () => listOf(() => both(long(signed))), pots: () => listOf(pot),
    counts: () => mapOf(word, () => small(-(2 ** 31), 2 ** 31 - 1)), shelf: () => mapOf(() => long(signed), pot), heats: () => mapOf(() => pick("true", "false"), () => enumOf(heat())),
    choice: () => pick([{ oneof: "word", pick: { field: "word", text: "w" } }, "w", "word"], ((n) => [{ oneof: "amount", pick: { field: "amount", text: n } }, n, "amount"])(long(signed)), [{ oneof: "vessel" }, {}, "vessel"]),
    at: moment, lasts: span, mask: () => [{ text: "pot.name,maybe_text" }, "pot.name,maybeText"],
    object: () => asText({ [word()]: json() }), value: () => asText(json()), list: () => asText(some(json)),
    any, wrapped_number: () => ((n) => [{ fields: [{ field: "value", text: n }] }, n])(long(signed)), wrapped_text: () => pick([{}, ""], [{ fields: [{ field: "value", text: "t" }] }, "t"]), wrapped_flag: () => pick([{}, false], [{ fields: [{ field: "value", on: true }] }, true]),
    nothing: () => [{}, {}], levels: () => listOf(() => enumOf(heat())),
  };
  const plan = [], want = {};
  for (const [field, of] of Object.entries(kinds)) {
    if (random() < 0.55) continue;
    const [node, value, name = field] = of();
    plan.push({ field, ...node });
    want[name.replace(/_(.)/g, (_, c) => c.toUpperCase())] = value;
  }
  return { plan, want };
}
