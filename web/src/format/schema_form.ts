// A form made from a JSON Schema of an object: which fields it has, and the value that their texts spell. The server judges what the
// schema means beyond types; here stands only what a person must be told before anything is sent.
import type { JsonSchema } from "../api/types";
import { t } from "../text/en";
import { readJson } from "./json";

export type FieldSort = "text" | "long" | "choice" | "number" | "integer" | "flag" | "json";
export interface SchemaField { key: string; path: string[]; schema: JsonSchema; sort: FieldSort; required: boolean }
export type Texts = Readonly<Record<string, string>>;

const depthMost = 3;
const longNames = /(question|message|text|prompt|code|sql|content|query|expression|reason|instructions?)$/i;

// What "#/$defs/Name" stands for; references to elsewhere stay as they are.
export function resolved(schema: JsonSchema, root: JsonSchema): JsonSchema {
  const name = /^#\/(?:\$defs|definitions)\/([^/]+)$/.exec(schema.$ref ?? "")?.[1];
  const found = name === undefined ? undefined : (root.$defs ?? (root["definitions"] as JsonSchema["$defs"]))?.[name];
  return found ? { ...found, ...(schema.description ? { description: schema.description } : {}) } : schema;
}

function sortOf(name: string, schema: JsonSchema): FieldSort {
  const types = (Array.isArray(schema.type) ? schema.type : [schema.type]).filter((type) => type !== "null");
  if (schema.enum && schema.enum.every((value) => typeof value === "string")) return "choice";
  if (types.length !== 1) return "json";
  if (types[0] === "string") return longNames.test(name) ? "long" : "text";
  if (types[0] === "integer" || types[0] === "number") return types[0];
  return types[0] === "boolean" ? "flag" : "json";
}

export function fieldsOf(schema: JsonSchema, root = schema, path: string[] = [], needed = true): SchemaField[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, raw]) => {
    const field = resolved(raw, root), here = [...path, name], required = needed && (schema.required ?? []).includes(name);
    // An optional object as a whole: half of one would be sent otherwise.
    if (field.type === "object" && field.properties && Object.keys(field.properties).length > 0 && required && here.length < depthMost) return fieldsOf(field, root, here, required);
    return [{ key: here.join("."), path: here, schema: field, sort: sortOf(name, field), required }];
  });
}

const asText = (value: unknown, sort: FieldSort) => (sort === "json" ? JSON.stringify(value) : String(value));
// What stands in the form at first: the schema's defaults.
export const startTexts = (fields: readonly SchemaField[]): Texts => Object.fromEntries(fields.flatMap((field) => (field.schema.default === undefined ? [] : [[field.key, asText(field.schema.default, field.sort)]])));

function oneValue(field: SchemaField, text: string): { value: unknown } | { problem: string } {
  if (field.sort === "number" || field.sort === "integer") {
    const value = Number(text);
    if (!Number.isFinite(value)) return { problem: t.form.number };
    return field.sort === "integer" && !Number.isInteger(value) ? { problem: t.form.integer } : { value };
  }
  if (field.sort === "flag") return { value: text === "true" };
  return field.sort === "json" ? readJson(text) : { value: text };
}

export interface Spelled { value: Record<string, unknown>; problems: Record<string, string> }
export function valueOf(fields: readonly SchemaField[], texts: Texts): Spelled {
  const value: Record<string, unknown> = {}, problems: Record<string, string> = {};
  for (const field of fields) {
    const text = texts[field.key] ?? "";
    if (text.trim() === "") {
      // What is left out takes its default; an emptied text whose default is something else is meant to be empty.
      if (field.required) problems[field.key] = t.form.needed;
      else if (texts[field.key] === "" && typeof field.schema.default === "string" && field.schema.default !== "") put(value, field.path, "");
      continue;
    }
    const one = oneValue(field, text);
    if ("problem" in one) problems[field.key] = one.problem;
    else put(value, field.path, one.value);
  }
  return { value, problems };
}

function put(into: Record<string, unknown>, path: readonly string[], value: unknown) {
  const [name = "", ...rest] = path;
  if (rest.length === 0) { into[name] = value; return; }
  const inner = (into[name] ?? {}) as Record<string, unknown>;
  into[name] = inner;
  put(inner, rest, value);
}
