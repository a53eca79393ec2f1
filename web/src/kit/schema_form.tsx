// The fields of a JSON Schema, each with its meaning, its default and what is wrong with it.
import { useId } from "react";
import type { SchemaField, Texts } from "../format/schema_form";
import { t } from "../text/en";

interface Props { fields: readonly SchemaField[]; texts: Texts; problems: Readonly<Record<string, string>>; change: (key: string, text: string) => void }
export function SchemaForm({ fields, texts, problems, change }: Props) {
  if (fields.length === 0) return <p className="soft">{t.form.nothing}</p>;
  return <>{fields.map((field) => <One key={field.key} field={field} text={texts[field.key] ?? ""} problem={problems[field.key]} change={(text) => change(field.key, text)} />)}</>;
}

function One({ field, text, problem, change }: { field: SchemaField; text: string; problem: string | undefined; change: (text: string) => void }) {
  const id = useId();
  const about = { id, value: text, "aria-describedby": `${id}-about`, "aria-invalid": problem !== undefined, "aria-required": field.required };
  return (
    <div className="field">
      <label htmlFor={id}>{field.key} <small className="soft">{field.required ? t.form.isNeeded : t.form.optional}{field.sort === "json" ? `, ${t.form.asJson}` : ""}</small></label>
      {field.sort === "choice" ? <select {...about} onChange={(event) => change(event.target.value)}><option value="">{t.form.notSaid}</option>{(field.schema.enum as string[]).map((value) => <option key={value}>{value}</option>)}</select>
        : field.sort === "flag" ? <select {...about} onChange={(event) => change(event.target.value)}><option value="">{t.form.notSaid}</option><option value="true">{t.form.yes}</option><option value="false">{t.form.no}</option></select>
        : field.sort === "long" || field.sort === "json" ? <textarea {...about} className={field.sort === "json" ? "code" : ""} rows={2} spellCheck={field.sort === "long"} onChange={(event) => change(event.target.value)} />
        : <input {...about} inputMode={field.sort === "text" ? "text" : "decimal"} autoComplete="off" onChange={(event) => change(event.target.value)} />}
      <small id={`${id}-about`}>{problem && <span className="bad-text">{problem} </span>}{field.schema.description}</small>
    </div>
  );
}
