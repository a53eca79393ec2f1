// What the pages of flows, runs, approvals and tools read.
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get } from "./client";
import { queryClient } from "./queries";
import type {
  Approval, FlowDetail, FlowHook, FlowImpact, FlowRow, FlowSchedule, FlowTemplate, FoundDecision, List, OpenCall, RunDetail, RunEvent, RunRow, Subscription, Tool,
} from "./types";

const id = encodeURIComponent;
export const runEventsMost = 1000;   // of one page, as the server has it

export const flowsQuery = queryOptions({ queryKey: ["flows"], queryFn: ({ signal }) => get<List<FlowRow>>("/strata/v1/flows?limit=1000", signal) });
export const templatesQuery = queryOptions({ queryKey: ["flow-templates"], queryFn: ({ signal }) => get<List<FlowTemplate>>("/strata/v1/flow_templates", signal), staleTime: Infinity });
export const flowQuery = (flow: string, version = 0) => queryOptions({
  queryKey: ["flow", flow, version],
  queryFn: ({ signal }) => get<FlowDetail>(`/strata/v1/flows/${id(flow)}${version > 0 ? `?version=${version}` : ""}`, signal),
  // A version never changes; the newest may become another.
  ...(version > 0 ? { staleTime: Infinity } : {}),
});
export const impactQuery = (flow: string, version: number) => queryOptions({
  queryKey: ["impact", flow, version],
  queryFn: ({ signal }) => get<FlowImpact>(`/strata/v1/flows/${id(flow)}/impact?version=${version}`, signal),
  staleTime: 10_000,
});
export const runsQuery = (flow: string, state: string) => infiniteQueryOptions({
  queryKey: ["runs", flow, state],
  queryFn: ({ signal, pageParam }) => {
    const params = new URLSearchParams({ limit: "50" });
    if (state) params.set("state", state);
    if (pageParam) params.set("after", pageParam);
    return get<List<RunRow>>(`/strata/v1/${flow ? `flows/${id(flow)}/` : ""}runs?${params}`, signal);
  },
  initialPageParam: "",
  getNextPageParam: (page) => (page.has_more ? page.data.at(-1)?.id : undefined),
  // What runs goes on while somebody looks.
  refetchInterval: (query) => (query.state.data?.pages.some((page) => page.data.some((run) => run.state === "queued" || run.state === "running")) ? 2_000 : 10_000),
});
export const runQuery = (run: string) => queryOptions({ queryKey: ["run", run], queryFn: ({ signal }) => get<RunDetail>(`/strata/v1/runs/${id(run)}`, signal) });
export const runEventsPath = (run: string, after: number) => `/strata/v1/runs/${id(run)}/events?after=${after}&limit=${runEventsMost}`;
export const decisionsQuery = (wish: { q: string; kind: string }) => infiniteQueryOptions({
  queryKey: ["decisions", wish],
  queryFn: ({ signal, pageParam }) => {
    const params = new URLSearchParams({ limit: "50" });
    if (wish.q) params.set("q", wish.q);
    if (wish.kind) params.set("kind", wish.kind);
    if (pageParam) params.set("before", String(pageParam));
    return get<List<FoundDecision>>(`/strata/v1/decisions?${params}`, signal);
  },
  initialPageParam: 0,
  getNextPageParam: (page) => (page.has_more ? page.data.at(-1)?.id : undefined),
});

export const inboxMost = 100;
export const approvalsQuery = (state: string) => queryOptions({
  queryKey: ["approvals", state],
  queryFn: ({ signal }) => get<List<Approval>>(`/strata/v1/approvals?limit=${inboxMost}&state=${id(state)}`, signal),
  refetchInterval: 5_000,   // runs ask at any time, and others decide
});
export const approvalQuery = (approval: string) => queryOptions({
  queryKey: ["approval", approval],
  queryFn: ({ signal }) => get<Approval>(`/strata/v1/approvals/${id(approval)}`, signal),
});
export const schedulesQuery = (flow: string) => queryOptions({ queryKey: ["schedules", flow], queryFn: ({ signal }) => get<List<FlowSchedule>>(`/strata/v1/flows/${id(flow)}/schedules`, signal) });
export const hooksQuery = (flow: string) => queryOptions({ queryKey: ["hooks", flow], queryFn: ({ signal }) => get<List<FlowHook>>(`/strata/v1/flows/${id(flow)}/hooks`, signal) });
export const subscriptionsQuery = queryOptions({ queryKey: ["subscriptions"], queryFn: ({ signal }) => get<List<Subscription>>("/strata/v1/subscriptions", signal) });

export const toolsQuery = queryOptions({ queryKey: ["tools"], queryFn: ({ signal }) => get<List<Tool>>("/strata/v1/tools", signal) });
export const toolQuery = (tool: string) => queryOptions({ queryKey: ["tool", tool], queryFn: ({ signal }) => get<Tool>(`/strata/v1/tools/${id(tool)}`, signal) });
export const openCallsQuery = queryOptions({ queryKey: ["open-calls"], queryFn: ({ signal }) => get<List<OpenCall>>("/strata/v1/tool-calls/open", signal) });

export const runEvents = (run: string, after: number, signal?: AbortSignal) => get<List<RunEvent>>(runEventsPath(run, after), signal);
// Whatever was done to a run may show on any of these.
export const reloadRuns = () => Promise.all(["runs", "run", "approvals", "approval", "decisions"].map((key) => queryClient.invalidateQueries({ queryKey: [key] })));
