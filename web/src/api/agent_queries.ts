// What the pages of agents, teams and MCP servers read.
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get } from "./client";
import { invoke } from "./invoke";
import type { GoalRun, KeptRow, KeptTemplate, List } from "./types";

// Agents and teams are kept alike: versions of a text, with templates, a check and runs.
export type Kind = "agent" | "team";
export const placeOf = (kind: Kind, name = "") => `/${kind}s${name && `/${encodeURIComponent(name)}`}`;
export const flowOf = (kind: Kind, name: string) => `${kind}:${name}`;
// "agent:billing" → the page of that run; nothing for other flows.
export function placeOfRun(flow: string, run: string): string {
  const [kind = "", name = ""] = flow.split(":");
  return (kind === "agent" || kind === "team") && name ? `${placeOf(kind, name)}?run=${encodeURIComponent(run)}` : "";
}

export const keptQuery = (kind: Kind) => queryOptions({ queryKey: [`${kind}s`], queryFn: ({ signal }) => get<List<KeptRow>>(`/strata/v1/${kind}s?limit=1000`, signal) });
export const keptTemplatesQuery = (kind: Kind) => queryOptions({ queryKey: [`${kind}-templates`], queryFn: ({ signal }) => get<List<KeptTemplate>>(`/strata/v1/${kind}_templates`, signal), staleTime: Infinity });
export const agentQuery = (agent: string) => queryOptions({ queryKey: ["agent", agent], queryFn: () => invoke("GET /strata/v1/agents/{agent}", { agent }) });
export const teamQuery = (team: string) => queryOptions({ queryKey: ["team", team], queryFn: () => invoke("GET /strata/v1/teams/{team}", { team }) });
export const factsQuery = (agent: string) => queryOptions({ queryKey: ["facts", agent], queryFn: () => invoke("GET /strata/v1/agents/{agent}/memory", { agent }) });
export const goalRunsQuery = (kind: Kind, name: string) => infiniteQueryOptions({
  queryKey: ["runs", "of", kind, name],
  queryFn: ({ signal, pageParam }) => get<List<GoalRun>>(`/strata/v1/${kind}s/${encodeURIComponent(name)}/runs?limit=30${pageParam && `&after=${encodeURIComponent(pageParam)}`}`, signal),
  initialPageParam: "",
  getNextPageParam: (page) => (page.has_more ? page.data.at(-1)?.id : undefined),
  refetchInterval: 10_000,
});
export const mcpServersQuery = queryOptions({ queryKey: ["mcp"], queryFn: () => invoke("GET /strata/v1/mcp/servers", {}) });
export const mcpServerQuery = (server: string) => queryOptions({ queryKey: ["mcp", server], queryFn: () => invoke("GET /strata/v1/mcp/servers/{server}", { server }) });
