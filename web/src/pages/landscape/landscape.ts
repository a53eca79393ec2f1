// What the landscape's page works out from the catalogue: filters, the words of a fact, the answers of the helper. Pure, for tests.
import type { Advice, Fact, Landscape, LandscapeField, LandscapeModel } from "../../api/types";
import { count, parameters } from "../../format/format";
import { t } from "../../text/en";

export interface Filters { q: string; kind: string; family: string; where: string; retired: string }

export function shownModels(landscape: Landscape, filters: Filters): LandscapeModel[] {
  const words = filters.q.toLowerCase().split(/\s+/).filter(Boolean);
  return landscape.models.filter((model) =>
    words.every((word) => `${model.id} ${model.name} ${model.family_name} ${model.maker} ${model.aliases.join(" ")}`.toLowerCase().includes(word))
    && (!filters.kind || model.kinds.includes(filters.kind))
    && (!filters.family || model.family === filters.family)
    && (filters.where !== "here" || model.here.length > 0)
    && (filters.where !== "open" || model.open_weights)
    && (filters.retired === "yes" || model.facts.status?.value !== "retired" || model.here.length > 0));
}

export function factText(field: LandscapeField, fact: Fact | undefined): string {
  if (!fact || fact.value === null) return t.landscape.unknown;
  if (typeof fact.value === "string") return fact.value;
  if (field.name === "parameters") return parameters(fact.value);
  if (field.kind === "grade") return t.landscape.grade(fact.value);
  if (field.kind === "number") return `$${fact.value}`;
  return count(fact.value);
}

// "OpenAI, API pricing, 2026-03 · note"
export function factSource(landscape: Landscape, fact: Fact | undefined): string {
  if (!fact) return "";
  const source = fact.value === null ? "" : [landscape.sources[fact.source]?.title ?? fact.source, fact.as_of].filter(Boolean).join(", ");
  return [source, fact.note].filter(Boolean).join(" · ");
}

// The fields in their groups, in the catalogue's order; plain facts last.
export function axes(fields: LandscapeField[]): [string, LandscapeField[]][] {
  const groups = new Map<string, LandscapeField[]>();
  for (const field of fields) groups.set(field.axis, [...(groups.get(field.axis) ?? []), field]);
  return [...groups].sort(([a], [b]) => Number(a === "") - Number(b === ""));
}

export const idsOf = (text: string) => text.split(",").filter(Boolean);
export const sideMost = 4;

// One more or one less, at most four: the oldest goes.
export function toggled(ids: string[], id: string): string[] {
  return ids.includes(id) ? ids.filter((other) => other !== id) : [...ids, id].slice(-sideMost);
}

// The helper's answers as the URL has them ("yes", "no", digits), as the API takes them.
export function situationOf(questions: { id: string; kind: string }[], read: (id: string) => string): Record<string, boolean | number> {
  const out: Record<string, boolean | number> = {};
  for (const question of questions) {
    const text = read(question.id);
    if (question.kind === "number") out[question.id] = /^\d{1,12}$/.test(text) ? Number(text) : 0;
    else out[question.id] = text === "yes";
  }
  return out;
}

export const usesCell = (advice: Advice, need: string) => advice.matrix_cells.some((row) => row.need === need);
