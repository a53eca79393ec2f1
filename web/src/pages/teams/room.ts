// A team's run as a room: messages between members and the work of each, in order, folded from the run's log. Pure.
import type { RunEvent } from "../../api/types";
import { type AgentStep, memberOf, spentOf, text, thoughtOf } from "../agents/steps";

export interface RoomMessage { sort: "message"; id: string; from: string; to: string; thread: string; text: string; replyTo: string; reason: string; at: number }
export interface RoomWork { sort: "work"; path: string; member: string; over: boolean; steps: AgentStep[]; at: number }
export type RoomEntry = RoomMessage | RoomWork;
export interface MemberSpent { name: string; times: number; steps: number; tokens: number; cost: number; state: "idle" | "busy" | "asking" }

type Data = Record<string, unknown>;
const object = (value: unknown): Data => (typeof value === "object" && value !== null && !Array.isArray(value) ? value as Data : {});

// The path of the member's work that a path is in: "work/all.a/member_a#2/work/think" → "work/all.a/member_a#2".
export const memberWork = (path: string) => /^(?:.*\/)?member_[^/]+/.exec(path)?.[0] ?? "";

// Why a message was sent: what the supervisor gave as its reason when it assigned.
export function entriesOf(events: readonly RunEvent[], steps: readonly AgentStep[], over: boolean): RoomEntry[] {
  const entries: RoomEntry[] = [], works = new Map<string, RoomWork>();
  let reason = "";
  for (const event of events) {
    const data = event.data ?? {};
    if (event.kind === "opened" && memberOf(event.step) && memberWork(event.step) === event.step && !works.has(event.step)) {
      const work: RoomWork = { sort: "work", path: event.step, member: memberOf(event.step), over, steps: [], at: event.at };
      works.set(event.step, work);
      entries.push(work);
    } else if ((event.kind === "step_finished" || (event.kind === "step_failed" && data["final"])) && works.has(event.step)) {
      works.get(event.step)!.over = true;
      const output = object(data["output"]);
      reason = output["outcome"] === "handed_off" ? text(output["reason"]) : "";   // why it hands over
    } else if (event.kind === "step_finished" && /(?:^|\/)assign(?:#\d+)?$/.test(event.step)) reason = text(object(data["output"])["reason"]);
    else if (event.kind === "recorded" && data["type"] === "message") {
      const said = object(data["data"]), from = text(said["from"]);
      entries.push({ sort: "message", id: text(said["id"]), from, to: text(said["to"]), thread: text(said["thread"]), text: text(said["text"]), replyTo: text(said["reply_to"]), reason, at: event.at });
      reason = "";
    }
  }
  for (const step of steps) works.get(memberWork(step.path))?.steps.push(step);
  return entries;
}

// What each has used, members in the team's order; the supervisor's and the judge's own steps under their names.
export function spentByMember(names: readonly string[], entries: readonly RoomEntry[], steps: readonly AgentStep[]): MemberSpent[] {
  const rows = names.map((name): MemberSpent => {
    const works = entries.filter((entry): entry is RoomWork => entry.sort === "work" && entry.member === name), own = steps.filter((step) => step.member === name);
    const state = own.some((step) => step.state === "asking" || step.state === "unknown") ? "asking" : works.some((work) => !work.over) ? "busy" : "idle";
    return { name, times: works.length, ...spentOf(own), state };
  });
  for (const lead of ["supervisor", "judge"]) {
    const own = steps.filter((step) => step.member === "" && (lead === "judge" ? step.id === "judge" : step.id === "assign" || step.id === "wrap_up"));
    if (own.length > 0) rows.push({ name: lead, times: own.length, ...spentOf(own), state: own.some((step) => step.state === "working" || step.state === "retrying") ? "busy" : "idle" });
  }
  return rows;
}

// A thread is what one member was asked and answered, with its work.
export const inThread = (entry: RoomEntry, thread: string) => !thread || (entry.sort === "work" ? entry.member === thread : entry.thread === thread || entry.from === thread || entry.to === thread);

export const doingNow = (work: RoomWork) => { const step = work.steps.findLast((one) => one.state !== "done" && one.state !== "failed"); return step ? step.tool || thoughtOf(step)?.tool || step.id : ""; };
