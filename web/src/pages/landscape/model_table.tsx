// The table: filters and the chosen models live in the address.
import type { Landscape, LandscapeModel } from "../../api/types";
import { Badge, Empty } from "../../kit/kit";
import { Link, useParam, withParams } from "../../router";
import { t } from "../../text/en";
import { factSource, factText, idsOf, shownModels, toggled } from "./landscape";

const columns = ["status", "context_tokens", "training_cutoff", "price_in", "price_out", "license"] as const;

function Choice({ label, value, set, options }: { label: string; value: string; set: (value: string | null) => void; options: readonly (readonly [string, string])[] }) {
  return <select aria-label={label} value={value} onChange={(event) => set(event.target.value)}><option value="">{label}</option>{options.map(([id, name]) => <option key={id} value={id}>{name}</option>)}</select>;
}

function Row({ landscape, model, chosen, onChoose }: { landscape: Landscape; model: LandscapeModel; chosen: boolean; onChoose: () => void }) {
  const fields = columns.map((name) => landscape.fields.find((field) => field.name === name));
  return (
    <tr>
      <td><input type="checkbox" aria-label={t.landscape.choose(model.name)} checked={chosen} onChange={onChoose} /></td>
      <td className="keep"><Link data-item to={withParams({ view: "side", models: model.id })}>{model.name}</Link>{" "}
        {model.here.length > 0 && <Badge tone="good" title={model.here.join(", ")}>{t.landscape.here}</Badge>}{" "}{model.origin !== "built in" && <Badge>{model.origin}</Badge>}</td>
      <td className="keep">{model.family_name}</td>
      <td>{model.kinds.map((kind) => landscape.kinds.find((row) => row.id === kind)?.name ?? kind).join(", ")}</td>
      {fields.map((field) => field && (
        <td key={field.name} className={field.kind === "count" || field.kind === "number" ? "number" : undefined} title={factSource(landscape, model.facts[field.name])}>
          <span className={model.facts[field.name]?.value === null ? "soft" : undefined}>{factText(field, model.facts[field.name])}</span></td>))}
    </tr>
  );
}

export function ModelTable({ landscape }: { landscape: Landscape }) {
  const [q, setQ] = useParam("q");
  const [kind, setKind] = useParam("kind");
  const [family, setFamily] = useParam("family");
  const [where, setWhere] = useParam("where");
  const [retired, setRetired] = useParam("retired");
  const [models, setModels] = useParam("models");
  const shown = shownModels(landscape, { q, kind, family, where, retired });
  const chosen = idsOf(models);
  return (
    <section>
      <form className="search-form" role="search" onSubmit={(event) => event.preventDefault()}>
        <input data-main-field aria-label={t.landscape.filter} placeholder={t.landscape.filter} value={q} maxLength={100} onChange={(event) => setQ(event.target.value)} />
        <Choice label={t.landscape.anyKind} value={kind} set={setKind} options={landscape.kinds.map((row) => [row.id, row.name] as const)} />
        <Choice label={t.landscape.anyFamily} value={family} set={setFamily} options={landscape.families.map((row) => [row.id, row.name] as const)} />
        <Choice label={t.landscape.anywhere} value={where} set={setWhere} options={[["here", t.landscape.onlyHere], ["open", t.landscape.onlyOpen]]} />
        <label className="check"><input type="checkbox" checked={retired === "yes"} onChange={(event) => setRetired(event.target.checked ? "yes" : null)} />{t.landscape.withRetired}</label>
      </form>
      <p className="soft" role="status">{t.landscape.counted(shown.length, landscape.models.length)}{" "}
        {chosen.length > 0 && <Link to={withParams({ view: "side" })}>{t.landscape.sideBySide(chosen.length)}</Link>}</p>
      {shown.length === 0 ? <Empty title={t.landscape.none} what={t.landscape.noneWhat} />
        : <div className="table-scroll" tabIndex={0} role="region" aria-label={t.landscape.title}>
          <table><thead><tr><th><span className="hidden">{t.landscape.views.side}</span></th><th>{t.landscape.model}</th><th>{t.landscape.family}</th><th>{t.landscape.kinds}</th>
            {columns.map((name) => <th key={name} className={name.startsWith("price") || name === "context_tokens" ? "number" : undefined}>{t.landscape.short[name]}</th>)}</tr></thead>
            <tbody data-list>{shown.map((model) => <Row key={model.id} landscape={landscape} model={model} chosen={chosen.includes(model.id)} onChoose={() => setModels(toggled(chosen, model.id).join(","))} />)}</tbody></table>
        </div>}
    </section>
  );
}
