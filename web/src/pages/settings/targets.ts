// Targets as people type them ("85" for 0.85 of a rate) and as the server keeps them.
import type { MetricUnit } from "../../api/types";
import { metricValue } from "../../format/metric";
import { t } from "../../text/en";

// The setting of each metric: cost per resolution is judged by how far it is below the baseline.
export const settingOf = (metric: string) => (metric === "cost_per_resolution" ? "cost_reduction" : metric);
export const unitOf = (setting: string, unit: MetricUnit): MetricUnit => (setting === "cost_reduction" ? "fraction" : unit);

export function shownTarget(value: number | null | undefined, unit: MetricUnit): string {
  if (value === null || value === undefined) return "";
  return String(Number((unit === "fraction" ? value * 100 : value).toPrecision(12)));
}

export const namedTarget = (value: number | null | undefined, unit: MetricUnit) => (value === null || value === undefined ? t.settings.notStated : metricValue(value, unit));

export interface Range { least: number | null; most: number | null; example: string }
export function rangeOf(unit: MetricUnit): Range {
  if (unit === "fraction") return { least: 0, most: 100, example: "85" };
  if (unit === "score") return { least: 1, most: 5, example: "4.2" };
  return { least: 0, most: null, example: unit === "seconds" ? "3" : "2.50" };
}

// null: emptied. The text of an error says what was expected.
export type Typed = { value: number | null; error: null } | { value: null; error: string };
export function typedTarget(text: string, unit: MetricUnit, range: Range = rangeOf(unit)): Typed {
  const bare = text.trim().replace(unit === "fraction" ? /\s*%$/ : unit === "usd" ? /^\$\s*/ : /\s*s$/, "");
  if (bare === "") return { value: null, error: null };
  const shown = /^-?(\d+\.?\d*|\.\d+)$/.test(bare) ? Number(bare) : NaN;
  const bad = Number.isNaN(shown) || (range.least !== null && shown < range.least) || (range.most !== null && shown > range.most);
  if (bad) return { value: null, error: t.settings.expected(range.least, range.most, range.example) };
  return { value: unit === "fraction" ? Number(`${bare}e-2`) : shown, error: null };   // the nearest double of the decimal, as if typed as a fraction
}
