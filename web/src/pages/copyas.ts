// The same call for other tools.
import { headerNamespace, headerTarget } from "../gen/mesh.js";

export interface Shape {
  namespace: string;
  service: string;
  method: string;
  target: string;
  json: string;
  stream: boolean;
  origin: string;
  timeout: string;
}

export const quote = (s: string) => "'" + s.replace(/'/g, "'\\''") + "'";

export function collectorCall(c: Shape): string {
  return ["collector call", `${c.service}/${c.method}`, "--ns " + c.namespace, c.target ? "--to " + c.target : "", c.timeout ? `--timeout ${c.timeout}s` : "", "-d " + quote(c.json)].filter(Boolean).join(" ");
}

export function bufCurl(c: Shape): string {
  return ["buf curl", "--http2-prior-knowledge --protocol grpc", `-H '${headerNamespace}: ${c.namespace}'`, c.target ? `-H '${headerTarget}: ${c.target}'` : "", "-d " + quote(c.json), `${c.origin}/${c.service}/${c.method}`].filter(Boolean).join(" ");
}

export function grpcurl(c: Shape): string {
  const host = c.origin.replace(/^https?:\/\//, "");
  return ["grpcurl", c.origin.startsWith("https") ? "" : "-plaintext", `-H '${headerNamespace}: ${c.namespace}'`, c.target ? `-H '${headerTarget}: ${c.target}'` : "", "-d " + quote(c.json), host, `${c.service}/${c.method}`].filter(Boolean).join(" ");
}

export function typescript(c: Shape): string {
  const short = c.service.slice(c.service.lastIndexOf(".") + 1);
  const method = c.method[0].toLowerCase() + c.method.slice(1);
  const headers = JSON.stringify({ [headerNamespace]: c.namespace, ...(c.target ? { [headerTarget]: c.target } : {}) });
  const call = `client.${method}(${c.json}, { headers: ${headers} })`;
  return `const transport = createGrpcWebTransport({ baseUrl: ${JSON.stringify(c.origin)} });
const client = createClient(${short}, transport);
${c.stream ? `for await (const answer of ${call}) console.log(answer);` : `const answer = await ${call};`}`;
}
