// What is said of an MCP server: its state's tone, the difference that a person approves, and how others connect to ours.
import type { McpDifference, McpListed, McpState } from "../../api/types";
import { shownJson } from "../../format/json";

export const toneOfServer = (state: McpState) => (state === "approved" ? "good" : state === "changed" ? "bad" : "busy");

export const ours = (origin: string) => `${origin}/mcp`;
export const clientConfig = (url: string) => JSON.stringify({ mcpServers: { strata: { type: "http", url } } }, null, 2);

export interface Change { tool: string; kind: "added" | "removed" | "changed"; fields: { field: string; before: string; after: string }[] }
const shown = (value: unknown) => (value === null || value === undefined ? "" : shownJson(value));
// What is new stands first, then what changed, then what is gone: the order in which it can do harm.
export function changesOf(difference: McpDifference | null, listed: readonly McpListed[] | null): Change[] {
  if (!difference) return [];
  const description = (tool: string) => listed?.find((one) => one.name === tool)?.description ?? "";
  return [
    ...difference.added.map((tool): Change => ({ tool, kind: "added", fields: description(tool) ? [{ field: "description", before: "", after: description(tool) }] : [] })),
    ...difference.changed.map(({ name, fields }): Change => ({ tool: name, kind: "changed", fields: fields.map(({ field, before, after }) => ({ field, before: shown(before), after: shown(after) })) })),
    ...difference.removed.map((tool): Change => ({ tool, kind: "removed", fields: [] })),
  ];
}

// What was said to only read stays so where it is still listed and is what it was; what is new or changed is looked at anew.
export function stillReading(reading: readonly string[], listed: readonly McpListed[] | null, difference: McpDifference | null): string[] {
  const anew = new Set([...(difference?.added ?? []), ...(difference?.changed ?? []).map((one) => one.name)]);
  return reading.filter((name) => !anew.has(name) && (listed ?? []).some((one) => one.name === name));
}
