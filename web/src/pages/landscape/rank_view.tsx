// The ranking for a purpose, each row with its reasons.
import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { compareQuery } from "../../api/queries";
import type { ComparedModel, Landscape } from "../../api/types";
import { Badge, Empty, ErrorBox, Skeleton } from "../../kit/kit";
import { useParam } from "../../router";
import { t } from "../../text/en";

function Choice({ label, value, set, options }: { label: string; value: string; set: (value: string | null) => void; options: readonly (readonly [string, string])[] }) {
  const id = useId();
  return <span className="check"><label htmlFor={id}>{label}</label><select id={id} value={value} onChange={(event) => set(event.target.value)}>{options.map(([option, name]) => <option key={option} value={option}>{name}</option>)}</select></span>;
}

function Ranked({ row }: { row: ComparedModel }) {
  return (
    <li className="hit">
      <header><span className="rank">{row.rank}</span><strong>{row.name}</strong> <span>{t.landscape.score(row.score)}</span> {row.here.length > 0 && <Badge tone="good">{t.landscape.here}</Badge>}</header>
      <details><summary>{t.landscape.because}</summary>
        <ul className="plain-list">{row.parts.map((part) => <li key={part.axis}><strong>{part.axis}</strong>: {t.landscape.points(100 * part.weight * part.points, 100 * part.weight)} – {part.reason}</li>)}</ul></details>
    </li>
  );
}

export function RankView({ landscape }: { landscape: Landscape }) {
  const [use, setUse] = useParam("for");
  const [lean, setLean] = useParam("lean");
  const [favour, setFavour] = useParam("favour");
  const [where, setWhere] = useParam("where");
  const [context, setContext] = useParam("context");
  const query = useQuery(compareQuery({
    use: use || "chat", lean: lean || "balanced", favour: favour || "balanced", here_only: where === "here", open_weights_only: where === "open",
    context_tokens_min: /^\d{1,9}$/.test(context) ? Number(context) : 0,
  }));
  const name = (id: string) => landscape.models.find((model) => model.id === id)?.name ?? id;
  return (
    <section>
      <form className="search-form" onSubmit={(event) => event.preventDefault()}>
        <Choice label={t.landscape.useFor} value={use || "chat"} set={setUse} options={t.landscape.uses} />
        <Choice label={t.landscape.lean} value={lean || "balanced"} set={setLean} options={t.landscape.leans} />
        <Choice label={t.landscape.favour} value={favour || "balanced"} set={setFavour} options={t.landscape.favours} />
        <Choice label={t.landscape.where} value={where} set={setWhere} options={[["", t.landscape.anywhere], ["here", t.landscape.onlyHere], ["open", t.landscape.onlyOpen]]} />
        <label className="check">{t.landscape.contextMin}{" "}<input type="number" min="0" step="1000" inputMode="numeric" value={context} onChange={(event) => setContext(event.target.value)} /></label>
      </form>
      <p className="soft">{t.landscape.weights}</p>
      {query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} />
        : !query.data ? <Skeleton lines={8} />
        : query.data.rows.length === 0 ? <Empty title={t.landscape.none} what={t.landscape.noneWhat} />
        : <ol className="hits" data-list>{query.data.rows.map((row) => <Ranked key={row.id} row={row} />)}</ol>}
      {query.data && query.data.left_out.length > 0 && (
        <details><summary>{t.landscape.leftOut(query.data.left_out.length)}</summary><ul className="plain-list">{query.data.left_out.map((row) => <li key={row.id}><strong>{name(row.id)}</strong>: {row.reason}</li>)}</ul></details>)}
    </section>
  );
}
