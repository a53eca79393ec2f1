// JSON as people type it.
import { t } from "../text/en";

export function readJson(text: string): { value: unknown } | { problem: string } {
  try { return { value: JSON.parse(text) as unknown }; } catch (error) { return { problem: t.form.json(error instanceof Error ? error.message : String(error)) }; }
}
export function readObject(text: string): { value: Record<string, unknown> } | { problem: string } {
  const read = readJson(text.trim() === "" ? "{}" : text);
  if ("problem" in read) return read;
  return typeof read.value === "object" && read.value !== null && !Array.isArray(read.value) ? { value: read.value as Record<string, unknown> } : { problem: t.form.object };
}
// As it reads best: texts as they are, the rest indented.
export const shownJson = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value ?? null, null, 2));
