// The API's types from its own OpenAPI document:
//   strata openapi | node tools/api_types.mjs           writes src/api/openapi.ts
//   strata openapi | node tools/api_types.mjs --check   fails where that file is another
// Requests: the body of each operation ("POST /strata/v1/products"), null where it has none. Answers: what it gives, where it is declared.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const file = join(import.meta.dirname, "../src/api/openapi.ts");
const quoted = (name) => (/^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name));
const comment = (text, indent) => (text ? `${indent}/** ${text.replaceAll("*/", "* /").replace(/\s+/g, " ").trim()} */\n` : "");

// A JSON Schema as a type. What it cannot say (ranges, patterns) the server checks.
export function typeOf(schema, indent = "") {
  if (schema === undefined || schema === true) return "unknown";
  if (schema.$ref) return `Schemas[${JSON.stringify(schema.$ref.split("/").at(-1))}]`;
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const several = schema.oneOf ?? schema.anyOf;
  if (several) return several.map((one) => typeOf(one, indent)).join(" | ");
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type }, indent)).join(" | ");
  switch (schema.type) {
    case "boolean": case "string": case "null": return schema.type;
    case "integer": case "number": return "number";
    case "array": {
      const item = typeOf(schema.items, indent);
      return /[ {]/.test(item) ? `(${item})[]` : `${item}[]`;
    }
    case "object": return objectOf(schema, indent);
    default: return "unknown";
  }
}

function objectOf(schema, indent) {
  const names = Object.keys(schema.properties ?? {});
  if (names.length === 0) return schema.additionalProperties === false ? "Record<string, never>" : `Record<string, ${typeof schema.additionalProperties === "object" ? typeOf(schema.additionalProperties, indent) : "unknown"}>`;
  const needed = new Set(schema.required ?? []);
  const inner = `${indent}  `;
  const lines = names.map((name) => `${comment(schema.properties[name].description, inner)}${inner}${quoted(name)}${needed.has(name) ? "" : "?"}: ${typeOf(schema.properties[name], inner)};\n`);
  return `{\n${lines.join("")}${indent}}`;
}

const json = (content) => content?.content?.["application/json"]?.schema;

export function typesOf(document) {
  const requests = [], answers = [];
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const name = `  ${JSON.stringify(`${method.toUpperCase()} ${path}`)}: `;
      const body = json(operation.requestBody), answer = json(operation.responses?.["200"]);
      requests.push(`${comment(operation.summary, "  ")}${name}${body ? typeOf(body, "  ") : "null"};\n`);
      if (answer) answers.push(`${name}${typeOf(answer, "  ")};\n`);
    }
  }
  const schemas = Object.entries(document.components?.schemas ?? {}).map(([name, schema]) => `  ${quoted(name)}: ${typeOf(schema, "  ")};\n`);
  return `// Written by tools/api_types.mjs from \`strata openapi\`; changes belong into the server's declarations (src/app/api).\n`
    + `export interface Requests {\n${requests.join("")}}\n\nexport interface Answers {\n${answers.join("")}}\n\nexport interface Schemas {\n${schemas.join("")}}\n`;
}

if (process.argv[1] === import.meta.filename) {
  const text = typesOf(JSON.parse(readFileSync(0, "utf8")));
  if (!process.argv.includes("--check")) writeFileSync(file, text);
  else if (readFileSync(file, "utf8") !== text) {
    console.error("web/src/api/openapi.ts is not what the program's API says now. Write it again: build/strata openapi | node web/tools/api_types.mjs");
    process.exit(1);
  }
}
