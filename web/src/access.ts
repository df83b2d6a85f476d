// Who sits at this browser, to the collector, and what they may do.
import { signal } from "@preact/signals";
import { endSession, operator } from "./api.js";
import { equals } from "@bufbuild/protobuf";
import { WhoAmIResponseSchema, type WhoAmIResponse } from "./gen/collector/mesh/v1/operator_pb.js";

/** who is undefined until the collector has said it. */
export const who = signal<WhoAmIResponse | undefined>(undefined);

export type Action = "call" | "describe" | "observe" | "register" | "operate";

/** may tells whether an action is allowed on the whole. Where the collector could not be asked it will say so itself. */
export function may(action: Action): boolean {
  const right = who.value?.rights.find((r) => r.action === action);
  return right ? right.allowed : true;
}

/** learn asks anew, as after the collector has refused something. */
export async function learn(): Promise<void> {
  try {
    const now = await operator.whoAmI({});
    if (!who.peek() || !equals(WhoAmIResponseSchema, who.peek()!, now)) who.value = now;
  } catch {
    // The badge tells that the collector is away.
  }
}

export async function logOut(): Promise<void> {
  await endSession();
  await learn();
}

/** principalOf is who one is as policies and the history spell it. */
export function principalOf(w: WhoAmIResponse): string {
  return `${w.kind}::"${w.id}"`;
}

/** spokenId is a principal as people say it. */
export function spokenId(w: WhoAmIResponse): string {
  return w.kind === "Anonymous" ? "not logged in" : w.id;
}
