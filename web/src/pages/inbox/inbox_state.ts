// What can be decided, in the order in which it is offered, and how near a deadline is.
import type { Approval, Deciding } from "../../api/types";

const order: readonly Deciding[] = ["accept", "edit", "respond", "ignore", "happened", "not_happened", "fail"];
export interface Choice { decision: Deciding; look: "primary" | "plain" | "danger" }

// Changed arguments can only be accepted as changed: what is on the screen is what is sent.
export function choicesOf(approval: Pick<Approval, "allow">, edited: boolean): Choice[] {
  const offered = order.filter((decision) => approval.allow.includes(decision) && decision !== (edited ? "accept" : "edit"));
  return offered.map((decision, index) => ({ decision, look: decision === "fail" ? "danger" : index === 0 ? "primary" : "plain" }));
}

export type Nearness = "none" | "far" | "near" | "over";
const nearSeconds = 3600;
export function nearnessOf(deadline: number | null, now = Date.now() / 1000): Nearness {
  if (deadline === null) return "none";
  return deadline <= now ? "over" : deadline - now <= nearSeconds ? "near" : "far";
}
// Those whose time runs out first, then those that have waited longest.
export const byUrgency = (a: Approval, b: Approval) => (a.deadline_at ?? Infinity) - (b.deadline_at ?? Infinity) || a.created_at - b.created_at;
export const shownCount = (count: number, most: number) => (count >= most ? `${most}+` : String(count));
