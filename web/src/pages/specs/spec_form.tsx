// The form, drawn from the server's declaration of the fields: no field is known here by name but the knowledge bases.
import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { basesQuery } from "../../api/queries";
import type { SpecField, SpecProblem, SpecValue } from "../../api/types";
import { t } from "../../text/en";
import { chosen, labelOf, readAt, sections, shownText, toggled, typedValue, writeAt } from "./spec_value";

interface FieldProps { field: SpecField; value: unknown; problems: SpecProblem[]; missing: boolean; change: (next: unknown) => void }

function Choices({ options, value, change }: { options: readonly (readonly [string, string])[]; value: unknown; change: (next: unknown) => void }) {
  return <div className="spec-choices">{options.map(([choice, label]) => (
    <label key={choice} className="check"><input type="checkbox" checked={chosen(value).includes(choice)} onChange={(event) => change(toggled(value, choice, event.target.checked))} />{label}</label>))}</div>;
}

function BaseChoices({ value, change }: { value: unknown; change: (next: unknown) => void }) {
  const bases = useQuery(basesQuery).data?.data ?? [];
  const unknown = chosen(value).filter((id) => !bases.some((base) => base.id === id));
  const options = [...bases.map((base) => [base.id, base.name || base.id] as const), ...unknown.map((id) => [id, id] as const)];
  return options.length > 0 ? <Choices options={options} value={value} change={change} /> : <p className="soft">{t.specs.noBases}</p>;
}

function Input({ field, value, change, id, described }: Omit<FieldProps, "problems" | "missing"> & { id: string; described: string }) {
  const type = (text: string) => change(typedValue(field.kind, text));
  const shown = shownText(value);
  if (field.kind === "choice" || field.kind === "boolean") {
    const options = field.kind === "boolean" ? [["true", t.specs.yes], ["false", t.specs.no]] : field.choices.map((choice) => [choice, choice.replaceAll("_", " ")]);
    return <select id={id} aria-describedby={described} value={shown} onChange={(event) => type(event.target.value)}><option value="">{t.specs.notSaid}</option>{options.map(([option, label]) => <option key={option} value={option}>{label}</option>)}
      {shown !== "" && !options.some(([option]) => option === shown) && <option value={shown}>{shown}</option>}</select>;
  }
  if (field.kind === "number" || field.kind === "integer") return <input id={id} aria-describedby={described} inputMode="decimal" value={shown} onChange={(event) => type(event.target.value)} />;
  if (field.kind === "text" && (field.choices.length > 0 || field.path === "name")) {
    return <><input id={id} aria-describedby={described} list={`${id}-list`} value={shown} onChange={(event) => type(event.target.value)} /><datalist id={`${id}-list`}>{field.choices.map((choice) => <option key={choice} value={choice} />)}</datalist></>;
  }
  return <textarea id={id} aria-describedby={described} rows={field.kind === "texts" ? 3 : 2} value={shown} placeholder={field.kind === "texts" ? field.choices.join("\n") : undefined} onChange={(event) => type(event.target.value)} />;
}

function OneField({ field, value, problems, missing, change }: FieldProps) {
  const id = useId(), hint = `${id}-hint`;
  const label = <>{labelOf(field.path)}{missing && <span className="spec-missing"> {t.specs.needed}</span>}</>;
  const note = <small id={hint}>{field.meaning}{problems.map((problem) => <span key={problem.message} className="bad-text spec-problem">{problem.message}</span>)}</small>;
  if (field.kind === "choices" || field.path === "knowledge_bases") {
    return (
      <fieldset className="field spec-set" aria-describedby={hint}><legend>{label}</legend>
        {field.path === "knowledge_bases" ? <BaseChoices value={value} change={change} /> : <Choices options={field.choices.map((choice) => [choice, choice.replaceAll("_", " ")])} value={value} change={change} />}
        {note}
      </fieldset>
    );
  }
  return <div className="field"><label htmlFor={id}>{label}</label><Input field={field} value={value} change={change} id={id} described={hint} />{note}</div>;
}

interface Props { fields: SpecField[]; value: SpecValue | null; problems: SpecProblem[]; missing: string[]; change: (value: SpecValue) => void }
export function SpecForm({ fields, value, problems, missing, change }: Props) {
  return (
    <form className="spec-form" aria-label={t.specs.form} onSubmit={(event) => event.preventDefault()}>
      {sections(fields).map(([section, list], index) => {
        const needed = list.filter((field) => missing.includes(field.path)).length;
        return (
          <details key={section} open={index < 5 ? true : undefined}><summary><h3>{section}</h3>{needed > 0 && <span className="soft small">{t.specs.neededCount(needed)}</span>}</summary>
            {list.map((field) => (
              <OneField key={field.path} field={field} value={readAt(value, field.path)} missing={missing.includes(field.path)}
                problems={problems.filter((problem) => problem.field === field.path || problem.field.startsWith(`${field.path}[`))}
                change={(next) => change(writeAt(value, field.path, next))} />))}
          </details>);
      })}
    </form>
  );
}
