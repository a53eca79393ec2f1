// What came from outside so far, each row with where it came from; one can be taken back.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { invoke } from "../../api/invoke";
import { outsideRowsQuery, reloadOutside } from "../../api/queries";
import type { OutsideRow, Product } from "../../api/types";
import { exact } from "../../format/format";
import { Confirm } from "../../kit/dialog";
import { Empty, ErrorBox, IconButton, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { Link } from "../../router";
import { t } from "../../text/en";
import { Source } from "./form_parts";
import type { ImportKind } from "./imports";

const takeBack: Record<ImportKind, (id: string) => Promise<unknown>> = {
  satisfaction: (id) => invoke("DELETE /strata/v1/satisfaction/{satisfaction}", { satisfaction: id }),
  developers: (id) => invoke("DELETE /strata/v1/developer_events/{event}", { event: id }),
  facts: (id) => invoke("DELETE /strata/v1/facts/{fact}", { fact: id }),
};
const lists = { satisfaction: "satisfaction", developers: "developer_events", facts: "facts" } as const;
const stepLabel = (kind: string) => t.settings.steps.find(([name]) => name === kind)?.[1] ?? kind;
const dayOf = (at: number) => <time className="keep" title={exact(at)} dateTime={new Date(at * 1000).toISOString()}>{exact(at).slice(0, 10)}</time>;

const heads: Record<ImportKind, string[]> = {
  satisfaction: [t.settings.date, t.settings.score, t.palette.conversation],
  developers: [t.settings.date, t.settings.developer, t.settings.step],
  facts: [t.settings.week, t.settings.name, t.settings.value],
};
function cells(kind: ImportKind, row: OutsideRow) {
  if (kind === "satisfaction") return [dayOf(row.at), row.score, row.conversation_id ? <Link to={`/ask/${encodeURIComponent(row.conversation_id)}`}><code>{row.conversation_id}</code></Link> : "–"];
  if (kind === "developers") return [dayOf(row.at), row.developer, stepLabel(row.kind ?? "")];
  return [row.week, t.settings.facts[row.name ?? ""] ?? row.name, row.value];
}
const nameOf = (kind: ImportKind, row: OutsideRow) => (kind === "facts" ? `${row.name} ${row.week}` : `${kind === "developers" ? row.developer : row.score}, ${exact(row.at).slice(0, 10)}`);

export function OutsideRows({ product, kind }: { product: Product; kind: ImportKind }) {
  const list = lists[kind];
  const query = useQuery(outsideRowsQuery(product.id, list));
  const [taking, setTaking] = useState<OutsideRow | null>(null);
  const take = useMutation({
    mutationFn: (row: OutsideRow) => takeBack[kind](row.id),
    onSuccess: () => { setTaking(null); toast(t.settings.takenBack); void reloadOutside(); },
  });
  if (query.error) return <ErrorBox error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Skeleton lines={4} />;
  const rows = query.data.data, title = t.settings.rows[kind]!;
  if (rows.length === 0) return <Empty title={t.metrics.noRows.replace(".", "")} what={t.settings.noRows[kind]} />;
  return (
    <section><h2>{title}</h2>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={title}>
        <table><thead><tr>{heads[kind].map((head) => <th key={head}>{head}</th>)}<th>{t.settings.source}</th><th><span className="hidden">{t.knowledge.actions}</span></th></tr></thead>
          <tbody data-list>{rows.map((row) => (
            <tr key={row.id}>{cells(kind, row).map((cell, index) => <td key={heads[kind][index]}>{cell}</td>)}<td><Source source={row.source} simulated={row.simulated} /></td>
              <td className="row-end"><IconButton data-item icon="trash" label={t.settings.takeBack(nameOf(kind, row))} onClick={() => setTaking(row)} /></td></tr>))}</tbody></table>
      </div>
      {query.data.has_more && <p className="soft">{t.settings.moreRows}</p>}
      {taking && <Confirm title={t.settings.removeTitle} what={`${nameOf(kind, taking)}. ${t.settings.removeWhat}`} action={t.settings.remove} busy={take.isPending} error={take.error} onClose={() => { take.reset(); setTaking(null); }} onConfirm={() => take.mutate(taking)} />}
    </section>
  );
}
