// Requests by the operation's own name in the API's document. Paths and bodies are checked against src/api/openapi.ts, which is written
// from the program, so a changed API fails the build. What an answer looks like is declared here, until the document says it.
import { call } from "./client";
import type { Answers, Requests } from "./openapi";
import type {
  Advice, AgentChecked, AgentDetail, AgentFact, Approval, Base, Calibration, Compared, Conversation, Draft, FlowChecked, FlowHook, FlowRow, FlowSchedule, Handover, KeptRow, List, McpServer, McpServerDetail, Prices, Product, ProductNotes, Replayed, RunRow, SpecChecked,
  SpecDetail, SpecDraft, SpecSaved, SettingValues, Subscription, TeamChecked, TeamDetail, ToolOutcome, ToolPolicy, ToolProblem, TraceSettings, UpdateSchedule, WeeklyUpdate,
} from "./types";

export type Operation = keyof Requests;
type Named<Path> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | Named<Rest> : never;
type Names<O> = [Named<O>] extends [never] ? Record<string, never> : { [name in Named<O>]: string };
type Body<O extends Operation> = Requests[O] extends null ? [] : [body: Requests[O]];

interface Given {
  "PATCH /strata/v1/drafts/{draft}": Draft;
  "POST /strata/v1/drafts/{draft}/send": Draft;
  "POST /strata/v1/drafts/{draft}/discard": Draft;
  "POST /strata/v1/conversations/{conversation}/escalate": Handover;
  "POST /strata/v1/handovers/{handover}/claim": Handover;
  "POST /strata/v1/handovers/{handover}/release": Handover;
  "POST /strata/v1/handovers/{handover}/reply": Handover;
  "POST /strata/v1/calibration": Calibration;
  "DELETE /strata/v1/calibration": Calibration;
  "POST /strata/v1/landscape/compare": Compared;
  "POST /strata/v1/decide": Advice;
  "POST /strata/v1/specs": SpecSaved;
  "POST /strata/v1/specs/check": SpecChecked;
  "GET /strata/v1/products/{product_id}/spec": SpecDetail;
  "PUT /strata/v1/products/{product_id}/spec": SpecSaved;
  "PUT /strata/v1/products/{product_id}/spec/draft": SpecDraft;
  "PUT /strata/v1/products/{product_id}/notes": ProductNotes;
  "POST /strata/v1/products": Product;
  "POST /strata/v1/conversations": Conversation;
  "PATCH /strata/v1/products/{product}/metrics/settings": SettingValues;
  "PATCH /strata/v1/products/{product}/schedule": UpdateSchedule;
  "POST /strata/v1/products/{product}/updates": WeeklyUpdate;
  "PATCH /strata/v1/updates/{update}": WeeklyUpdate;
  "POST /strata/v1/products/{product}/facts/import": { rows: number };
  "POST /strata/v1/products/{product}/satisfaction/import": { rows: number };
  "POST /strata/v1/products/{product}/developers/import": { rows: number };
  "POST /v1/vector_stores": Base;
  "POST /strata/v1/traces/{trace}/replay": Replayed;
  "PATCH /strata/v1/traces/settings": TraceSettings;
  "PUT /strata/v1/prices": Prices;
  "POST /strata/v1/flows/check": FlowChecked;
  "PUT /strata/v1/flows/{flow}": FlowRow;
  "POST /strata/v1/flows/{flow}/runs": RunRow;
  "POST /strata/v1/flows/{flow}/schedules": FlowSchedule;
  "POST /strata/v1/flows/{flow}/hooks": FlowHook;
  "POST /strata/v1/subscriptions": Subscription;
  "POST /strata/v1/runs/{run}/fork": RunRow;
  "POST /strata/v1/approvals/{approval}/decide": Approval;
  "POST /strata/v1/agents/check": AgentChecked;
  "GET /strata/v1/agents/{agent}": AgentDetail;
  "PUT /strata/v1/agents/{agent}": KeptRow;
  "POST /strata/v1/agents/{agent}/runs": RunRow;
  "GET /strata/v1/agents/{agent}/memory": List<AgentFact>;
  "POST /strata/v1/agents/{agent}/memory": AgentFact;
  "PATCH /strata/v1/agents/{agent}/memory/{fact}": AgentFact;
  "POST /strata/v1/teams/check": TeamChecked;
  "GET /strata/v1/teams/{team}": TeamDetail;
  "PUT /strata/v1/teams/{team}": KeptRow;
  "POST /strata/v1/teams/{team}/runs": RunRow;
  "GET /strata/v1/mcp/servers": List<McpServer>;
  "POST /strata/v1/mcp/servers": McpServerDetail;
  "GET /strata/v1/mcp/servers/{server}": McpServerDetail;
  "POST /strata/v1/mcp/servers/{server}/refresh": McpServerDetail;
  "POST /strata/v1/mcp/servers/{server}/approve": McpServerDetail;
  "POST /strata/v1/tools/{tool}/check": { valid: boolean; problems: ToolProblem[] };
  "POST /strata/v1/tools/{tool}/call": ToolOutcome;
  "PUT /strata/v1/tools/{tool}/permission": ToolPolicy;
}
// An operation that is declared above and no longer there is an error here.
type Missing = Exclude<keyof Given, Operation>;
export const allDeclared: [Missing] extends [never] ? true : Missing = true;

export type Answer<O extends Operation> = O extends keyof Given ? Given[O] : O extends keyof Answers ? Answers[O] : unknown;

// "PATCH /strata/v1/drafts/{draft}" and {draft: "a/b"} → ["PATCH", "/strata/v1/drafts/a%2Fb"]
export function place(operation: string, names: Record<string, string>): [string, string] {
  const [method = "", path = ""] = operation.split(" ");
  return [method, path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(names[name] ?? ""))];
}

export function invoke<O extends Operation>(operation: O, names: Names<O>, ...body: Body<O>): Promise<Answer<O>> {
  const [method, path] = place(operation, names as Record<string, string>);
  return call<Answer<O>>(method, path, body[0]);
}
