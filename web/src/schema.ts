// What methods take and answer. Every collector has a registry of its own: two may hold different versions of a type.
import { create, createFileRegistry, type DescEnum, type DescField, type DescMessage, type DescMethod, type FileRegistry } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence, FileDescriptorSetSchema, type FileDescriptorProto, type FileDescriptorSet } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { mesh } from "./api.js";

export interface Schema {
  registry: FileRegistry;
  comments: Map<string, string>;
  hash: string;
}

const known = new Map<string, Promise<Schema>>();

/** schemaOf asks for a collector's schemas once. */
export function schemaOf(collector: string): Promise<Schema> {
  let found = known.get(collector);
  if (!found) {
    found = load(collector);
    known.set(collector, found);
    found.catch(() => known.delete(collector));
  }
  return found;
}

/** forget makes the next question go to the collector again. */
export function forget(): void {
  known.clear();
}

async function load(collector: string): Promise<Schema> {
  const { set, hash } = await pages(collector);
  const comments = new Map<string, string>();
  for (const file of set.file) readComments(file, comments);
  return { registry: createFileRegistry(set), comments, hash };
}

/** pages asks for all pages of a collector's schemas, and begins again when they have changed in between. */
async function pages(collector: string): Promise<{ set: FileDescriptorSet; hash: string }> {
  const set = create(FileDescriptorSetSchema);
  for (let pageToken = ""; ; ) {
    try {
      const answer = await mesh.getDescriptorSet({ collectorId: collector, pageToken });
      set.file.push(...(answer.fileDescriptorSet?.file ?? []));
      if (!answer.nextPageToken) return { set, hash: answer.contentHash };
      pageToken = answer.nextPageToken;
    } catch (error) {
      if (!pageToken || ConnectError.from(error).code !== Code.Aborted) throw error;
      set.file = [];
      pageToken = "";
    }
  }
}

/** readComments finds the comment of every named thing of a file. A location is a path of field numbers and indexes. */
function readComments(file: FileDescriptorProto, into: Map<string, string>): void {
  for (const location of file.sourceCodeInfo?.location ?? []) {
    const text = (location.leadingComments ?? location.trailingComments ?? "").trim();
    const name = text && nameAt(file, location.path);
    if (name) into.set(name, text);
  }
}

type Named = { name?: string; [kind: string]: unknown };

const children: Record<string, Record<number, [list: string, kind: string]>> = {
  file: { 4: ["messageType", "message"], 5: ["enumType", "enum"], 6: ["service", "service"] },
  message: { 2: ["field", "leaf"], 3: ["nestedType", "message"], 4: ["enumType", "enum"], 8: ["oneofDecl", "leaf"] },
  enum: { 2: ["value", "leaf"] },
  service: { 2: ["method", "leaf"] },
};

function nameAt(file: FileDescriptorProto, path: number[]): string | undefined {
  let at = file as unknown as Named, kind = "file", name = file.package ?? "";
  for (let i = 0; i + 1 < path.length; i += 2) {
    const [list, next] = children[kind]?.[path[i]] ?? [];
    const child = list && (at[list] as Named[] | undefined)?.[path[i + 1]];
    if (!child || !next) return undefined;
    at = child;
    kind = next;
    name = name ? name + "." + child.name : (child.name ?? "");
  }
  return path.length >= 2 && path.length % 2 === 0 ? name : undefined;
}

export function findMethod(schema: Schema, service: string, method: string): DescMethod | undefined {
  return schema.registry.getService(service)?.methods.find((m) => m.name === method);
}

/** Piece is source text, with a link where it names a type. */
export type Piece = { text: string; to?: string; kind?: "keyword" | "comment" | "name" };

/** print writes a type as proto source. */
export function print(desc: DescMessage | DescEnum, comments: Map<string, string>): Piece[] {
  const out: Piece[] = [];
  if (desc.kind === "enum") printEnum(desc, comments, out, "");
  else printMessage(desc, comments, out, "");
  return out;
}

function comment(name: string, comments: Map<string, string>, out: Piece[], indent: string): void {
  for (const line of comments.get(name)?.split("\n") ?? []) out.push({ text: `${indent}// ${line.trim()}\n`, kind: "comment" });
}

function printEnum(desc: DescEnum, comments: Map<string, string>, out: Piece[], indent: string): void {
  comment(desc.typeName, comments, out, indent);
  out.push({ text: indent + "enum ", kind: "keyword" }, { text: desc.name, kind: "name" }, { text: " {\n" });
  const scope = desc.typeName.slice(0, desc.typeName.length);
  for (const v of desc.values) {
    comment(scope + "." + v.name, comments, out, indent + "  ");
    out.push({ text: `${indent}  ${v.name} = ${v.number};\n` });
  }
  out.push({ text: indent + "}\n" });
}

function printMessage(desc: DescMessage, comments: Map<string, string>, out: Piece[], indent: string): void {
  comment(desc.typeName, comments, out, indent);
  out.push({ text: indent + "message ", kind: "keyword" }, { text: desc.name, kind: "name" }, { text: " {\n" });
  for (const member of desc.members) {
    if (member.kind === "field") printField(desc, member, comments, out, indent + "  ");
    else {
      out.push({ text: indent + "  oneof ", kind: "keyword" }, { text: member.name + " {\n" });
      for (const f of member.fields) printField(desc, f, comments, out, indent + "    ");
      out.push({ text: indent + "  }\n" });
    }
  }
  for (const e of desc.nestedEnums) printEnum(e, comments, out, indent + "  ");
  out.push({ text: indent + "}\n" });
}

function printField(parent: DescMessage, f: DescField, comments: Map<string, string>, out: Piece[], indent: string): void {
  comment(parent.typeName + "." + f.name, comments, out, indent);
  out.push({ text: indent });
  if (f.fieldKind === "list") out.push({ text: "repeated ", kind: "keyword" });
  else if (f.fieldKind !== "map" && !f.oneof && f.fieldKind !== "message" && f.presence === FeatureSet_FieldPresence.EXPLICIT) out.push({ text: "optional ", kind: "keyword" });
  out.push(...typeOf(f), { text: ` ${f.name} = ${f.number};\n` });
}

const scalars = ["", "double", "float", "int64", "uint64", "int32", "fixed64", "fixed32", "bool", "string", "", "", "bytes", "uint32", "", "sfixed32", "sfixed64", "sint32", "sint64"];

export const scalarName = (type: number) => scalars[type] ?? "?";

function typeOf(f: DescField): Piece[] {
  if (f.fieldKind === "map") {
    const value: Piece = f.mapKind === "scalar" ? { text: scalarName(f.scalar) } : f.mapKind === "enum" ? named(f.enum) : named(f.message);
    return [{ text: `map<${scalarName(f.mapKey)}, ` }, value, { text: ">" }];
  }
  if (f.message) return [named(f.message)];
  if (f.enum) return [named(f.enum)];
  return [{ text: scalarName(f.scalar!), kind: "keyword" }];
}

const named = (d: DescMessage | DescEnum): Piece => ({ text: d.typeName, to: d.typeName });

/** typeText is the type of a field in one word. */
export function typeText(f: DescField): string {
  return (f.fieldKind === "list" ? "repeated " : "") + typeOf(f).map((p) => p.text).join("").replace(/^google\.protobuf\./, "");
}

export function streaming(m: { clientStreaming: boolean; serverStreaming: boolean }): string {
  if (m.clientStreaming && m.serverStreaming) return "bidi stream";
  if (m.clientStreaming) return "client stream";
  return m.serverStreaming ? "server stream" : "unary";
}

