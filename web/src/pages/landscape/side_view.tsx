// Up to four models side by side, every fact with its source under it.
import type { Landscape, LandscapeModel } from "../../api/types";
import { Badge, Empty } from "../../kit/kit";
import { Link, useParam, withParams } from "../../router";
import { t } from "../../text/en";
import { axes, factSource, factText, idsOf, sideMost, toggled } from "./landscape";

function Head({ model, ids }: { model: LandscapeModel; ids: string[] }) {
  return (
    <th scope="col">{model.name} {model.here.length > 0 && <Badge tone="good">{t.landscape.here}</Badge>}
      <br /><Link className="soft" to={withParams({ models: toggled(ids, model.id).join(",") })}>{t.landscape.drop}<span className="hidden"> {model.name}</span></Link></th>
  );
}

export function SideView({ landscape }: { landscape: Landscape }) {
  const [models, setModels] = useParam("models");
  const ids = idsOf(models);
  const chosen = ids.map((id) => landscape.models.find((model) => model.id === id)).filter((model) => model !== undefined);
  const others = landscape.models.filter((model) => !ids.includes(model.id));
  const family = (model: LandscapeModel) => landscape.families.find((row) => row.id === model.family);
  return (
    <section>
      <p><label className="check">{t.landscape.add}{" "}
        <select value="" disabled={chosen.length >= sideMost} onChange={(event) => setModels(toggled(ids, event.target.value).join(","))}><option value="">{t.landscape.addModel}</option>{others.map((model) => <option key={model.id} value={model.id}>{model.name}</option>)}</select></label></p>
      {chosen.length === 0
        ? <Empty title={t.landscape.sideEmpty} what={t.landscape.sideEmptyWhat}><Link className="button primary" to={withParams({ view: "side", models: "gpt-4o-mini,claude-haiku-5.5,llama-3.1-8b" })}>{t.landscape.sideExample}</Link></Empty>
        : <div className="table-scroll" tabIndex={0} role="region" aria-label={t.landscape.views.side}>
          <table className="side"><thead><tr><th scope="col">{t.landscape.fact}</th>{chosen.map((model) => <Head key={model.id} model={model} ids={ids} />)}</tr></thead>
            {axes(landscape.fields).map(([axis, fields]) => (
              <tbody key={axis}>
                <tr><th scope="rowgroup" colSpan={chosen.length + 1}>{axis || t.landscape.facts}</th></tr>
                {fields.map((field) => (
                  <tr key={field.name}><th scope="row" title={field.meaning}>{t.landscape.fields[field.name] ?? field.name}</th>
                    {chosen.map((model) => <td key={model.id}><span className={model.facts[field.name]?.value === null ? "soft" : undefined}>{factText(field, model.facts[field.name])}</span><small>{factSource(landscape, model.facts[field.name])}</small></td>)}</tr>))}
              </tbody>))}
            <tbody>
              <tr><th scope="row">{t.landscape.reads}</th>{chosen.map((model) => <td key={model.id}>{model.input.join(", ")} → {model.output.join(", ")}</td>)}</tr>
              <tr><th scope="row">{t.landscape.ux}</th>{chosen.map((model) => <td key={model.id}>{family(model)?.ux}</td>)}</tr>
              <tr><th scope="row">{t.landscape.fetch}</th>{chosen.map((model) => <td key={model.id}>{model.hub.length === 0 ? "–" : model.hub.map((row) => <div key={row.id}><code>{row.command}</code></div>)}</td>)}</tr>
            </tbody></table>
        </div>}
    </section>
  );
}
