// The agents, or the teams: what there is, templates to start from, and a new one.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Kind, keptQuery, keptTemplatesQuery, placeOf } from "../../api/agent_queries";
import { keepChanges } from "../../api/kept";
import { remember, remembered } from "../../api/remember";
import type { KeptRow, KeptTemplate } from "../../api/types";
import { Ago, Badge, Empty, ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { Link, navigate, useParam } from "../../router";
import { t } from "../../text/en";
import { freshName } from "../flows/flow_problem";
import { KeptEditor, typedKey } from "./kept_editor";

export const renamed = (text: string, kind: Kind, name: string) => text.replace(new RegExp(`^${kind}:.*$`, "m"), () => `${kind}: ${name}`);

function Templates({ kind, templates }: { kind: Kind; templates: readonly KeptTemplate[] }) {
  const words = t.kept[kind];
  return (
    <section><h2>{t.kept.templates}</h2>
      <ul className="cards">{templates.map((one) => (
        <li key={one.name}><Link data-item className="card" to={`${placeOf(kind)}?new=${encodeURIComponent(one.name)}`}><strong>{one.name}</strong><span className="soft">{one.title}</span></Link></li>))}
        <li><Link data-item className="card" to={`${placeOf(kind)}?new=empty`}><strong>{words.empty}</strong><span className="soft">{words.emptyWhat}</span></Link></li></ul>
    </section>
  );
}

function Rows({ kind, rows }: { kind: Kind; rows: readonly KeptRow[] }) {
  const words = t.kept[kind];
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={words.title}>
      <table className="flows"><thead><tr><th>{words.one}</th><th>{t.kept.newest}</th><th>{t.kept.when}</th><th><span className="hidden">{t.kept.runs}</span></th></tr></thead>
        <tbody data-list>{rows.map((row) => (
          <tr key={row.name}>
            <td><Link data-item to={placeOf(kind, row.name)}>{row.name}</Link><div className="soft small">{row.description}</div></td>
            <td className="keep"><Badge>{t.kept.version(row.version)}</Badge></td><td className="keep"><Ago at={row.created_at} /></td>
            <td className="row-end"><Link to={`${placeOf(kind, row.name)}?view=runs`}>{t.kept.runs}</Link></td>
          </tr>))}</tbody></table>
    </div>
  );
}

function Fresh({ kind, template, templates, taken }: { kind: Kind; template: string; templates: readonly KeptTemplate[]; taken: readonly string[] }) {
  const found = templates.find((one) => one.name === template), from = `${typedKey(kind, "")}.from`;
  const text = found ? renamed(found.text, kind, freshName(found.name, taken)) : t.kept[kind].starter;
  // What was typed for another start is not this one's.
  useState(() => { if (remembered(from) !== template) { keepChanges(typedKey(kind, ""), {}); remember(from, template); } });
  return <KeptEditor kind={kind} name="" text={text} version={0} drop={() => navigate(placeOf(kind))} />;
}

export function KeptList({ kind }: { kind: Kind }) {
  const [template] = useParam("new");
  const kept = useQuery(keptQuery(kind)), templates = useQuery(keptTemplatesQuery(kind));
  const error = kept.error ?? templates.error, rows = kept.data?.data ?? [], words = t.kept[kind];
  return (
    <div className="page wide">
      {template && <p className="crumbs"><Link to={placeOf(kind)}>{words.title}</Link></p>}
      <PageHead title={template ? words.fresh : words.title} what={template ? words.freshWhat : words.what} />
      {error ? <ErrorBox error={error} retry={() => { void kept.refetch(); void templates.refetch(); }} />
        : !kept.data || !templates.data ? <Skeleton lines={6} />
        : template ? <Fresh key={template} kind={kind} template={template} templates={templates.data.data} taken={rows.map((row) => row.name)} />
        : <>
            {rows.length === 0 ? <Empty title={words.none} what={words.noneWhat}><Link className="button primary" to={`${placeOf(kind)}?new=${words.first}`}>{words.tryOne}</Link></Empty> : <Rows kind={kind} rows={rows} />}
            <Templates kind={kind} templates={templates.data.data} />
          </>}
    </div>
  );
}
