// A spec as the form holds it: reading and writing by path, and what a typed text means. Nothing that was typed is thrown away: what is
// no number stays text, and the server says what is wrong with it.
import type { FieldKind, SpecField, SpecValue } from "../../api/types";

const isMapping = (value: unknown): value is SpecValue => typeof value === "object" && value !== null && !Array.isArray(value);

export function readAt(value: SpecValue | null, path: string): unknown {
  let at: unknown = value;
  for (const step of path.split(".")) {
    if (!isMapping(at)) return undefined;
    at = at[step];
  }
  return at;
}

// A copy with `next` at `path`; undefined takes it out, and the sections that it leaves empty with it.
export function writeAt(value: SpecValue | null, path: string, next: unknown): SpecValue {
  const [step = "", ...rest] = path.split(".");
  const copy: SpecValue = { ...value };
  if (rest.length > 0) {
    const inside = isMapping(copy[step]) ? copy[step] : null;
    const below = writeAt(inside, rest.join("."), next);
    if (Object.keys(below).length > 0) copy[step] = below;
    else delete copy[step];
  } else if (next === undefined) delete copy[step];
  else copy[step] = next;
  return copy;
}

// "support_agent" → "Support agent"; the last word of a path.
export function labelOf(path: string): string {
  const words = (path.split(".").pop() ?? "").replaceAll("_", " ");
  const named = words.replace(/\bai\b/g, "AI").replace(/\bpii\b/g, "PII");
  return named.charAt(0).toUpperCase() + named.slice(1);
}

export function shownText(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value)) return value.map(String).join("\n");
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function typedValue(kind: FieldKind, text: string): unknown {
  if (text === "") return undefined;
  if (kind === "texts") return text.split("\n");
  if (kind === "boolean") return text === "true" ? true : text === "false" ? false : text;
  if ((kind === "number" || kind === "integer") && /^-?\d+(\.\d+)?$/.test(text.trim())) return Number(text.trim());
  return text;
}

export const chosen = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
export function toggled(value: unknown, choice: string, on: boolean): string[] | undefined {
  const next = chosen(value).filter((item) => item !== choice);
  if (on) next.push(choice);
  return next.length > 0 ? next : undefined;
}

// Lists without the empty lines that typing leaves behind.
export function tidied(value: SpecValue): SpecValue {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key,
    Array.isArray(item) ? item.filter((text) => text !== "") : isMapping(item) ? tidied(item) : item]));
}

export function sections(fields: SpecField[]): [string, SpecField[]][] {
  const out: [string, SpecField[]][] = [];
  for (const field of fields) {
    const last = out.at(-1);
    if (last?.[0] === field.section) last[1].push(field);
    else out.push([field.section, [field]]);
  }
  return out;
}
