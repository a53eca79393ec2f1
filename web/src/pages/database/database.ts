// What the page makes of tools, a run's result and its rows.
import type { RunRow, Tool } from "../../api/types";
import { count } from "../../format/format";

export const flowName = "ask-database";
export type Cell = string | number | boolean | null;
export interface ChartSpec { kind: "bar" | "line"; x: string; y: string }
export interface DatabaseAnswer {
  answered: boolean; question: string; database: string; answer: string; error: string | null; sql: string; by: string; tries: number;
  columns: string[]; rows: Cell[][]; truncated: boolean; chart: ChartSpec | null;
}

// The databases that can be asked: each has a tool that says what concerns a question.
export const databasesOf = (tools: readonly Pick<Tool, "name">[]) => tools.flatMap(({ name }) => /^query_(.+)_context$/.exec(name)?.[1] ?? []);

// A run of this flow that has come to its end says an answer, also where it is that there is none.
export const answerOf = (run: Pick<RunRow, "state" | "result">): DatabaseAnswer | null => (run.state === "succeeded" && run.result !== null && typeof run.result === "object" && "sql" in run.result ? run.result as DatabaseAnswer : null);

export const shownCell = (cell: Cell) => (cell === null ? "–" : typeof cell === "number" ? (Number.isInteger(cell) && Math.abs(cell) < 10_000 ? String(cell) : count(cell)) : String(cell));

export interface Mark { label: string; value: number }
// What the chart draws: rows without a number there are left out.
export function marksOf(answer: Pick<DatabaseAnswer, "columns" | "rows" | "chart">): Mark[] {
  if (!answer.chart) return [];
  const x = answer.columns.indexOf(answer.chart.x), y = answer.columns.indexOf(answer.chart.y);
  return answer.rows.flatMap((row) => (typeof row[y] === "number" ? [{ label: shownCell(row[x] ?? null), value: row[y] }] : []));
}
