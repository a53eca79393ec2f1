import { expect, test } from "vitest";
import { typeOf, typesOf } from "./api_types.mjs";

test("each kind of schema has its type", () => {
  expect(typeOf({ type: "integer", minimum: 1 })).toBe("number");
  expect(typeOf({ type: ["string", "null"] })).toBe("string | null");
  expect(typeOf({ type: "string", enum: ["a", "b"] })).toBe('"a" | "b"');
  expect(typeOf({ type: "array", items: { type: "string" } })).toBe("string[]");
  expect(typeOf({ type: "array", items: { enum: ["a", 2] } })).toBe('("a" | 2)[]');
  expect(typeOf({ type: "array", items: {} })).toBe("unknown[]");
  expect(typeOf({ oneOf: [{ type: "string" }, { $ref: "#/components/schemas/Error" }] })).toBe('string | Schemas["Error"]');
  expect(typeOf({ type: "object" })).toBe("Record<string, unknown>");
  expect(typeOf({})).toBe("unknown");
});

test("what is required is needed, what is not may be left out, and odd names are quoted", () => {
  expect(typeOf({ type: "object", required: ["id"], properties: { id: { type: "string", description: "A slug */ here" }, "x-y": { type: "boolean" } } }))
    .toBe('{\n  /** A slug * / here */\n  id: string;\n  "x-y"?: boolean;\n}');
});

test("every operation is listed by method and path; without a body it is null", () => {
  const body = { content: { "application/json": { schema: { type: "object", properties: {} , additionalProperties: false } } } };
  const text = typesOf({ paths: { "/a/{b}": { get: { responses: { 200: { content: body.content } } }, post: { summary: "Do", requestBody: body } } }, components: {} });
  expect(text).toContain('  "GET /a/{b}": null;\n');
  expect(text).toContain('  /** Do */\n  "POST /a/{b}": Record<string, never>;\n');
  expect(text).toContain('export interface Answers {\n  "GET /a/{b}": Record<string, never>;\n}');
});
