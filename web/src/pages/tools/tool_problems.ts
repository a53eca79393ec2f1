// What a tool says is wrong with its arguments, at the field that it is about.
import type { ToolProblem } from "../../api/types";
import type { SchemaField } from "../../format/schema_form";
import { t } from "../../text/en";

// "/body/cents" → ["body", "cents"], as RFC 6901 has it.
export const pointer = (path: string) => path.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));

// `rest`: what is about no field of the form.
export function problemsByField(problems: readonly ToolProblem[], fields: readonly SchemaField[]): { found: Record<string, string>; rest: ToolProblem[] } {
  const found: Record<string, string> = {}, rest: ToolProblem[] = [];
  for (const problem of problems) {
    const at = pointer(problem.path);
    const field = fields.find((one) => one.path.every((part, index) => at[index] === part));
    if (!field) { rest.push(problem); continue; }
    const said = t.tools.problem(problem.expected, problem.got) + (problem.nearest ? ` ${t.tools.nearest(problem.nearest)}` : "");
    found[field.key] = found[field.key] ? `${found[field.key]} ${said}` : said;
  }
  return { found, rest };
}
