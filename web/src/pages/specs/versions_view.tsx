import { useMutation, useQuery } from "@tanstack/react-query";
import { queryClient, specDiffQuery, specVersionsQuery } from "../../api/queries";
import { invoke } from "../../api/invoke";
import type { SpecDetail } from "../../api/types";
import { Ago, Badge, Button, Empty, ErrorBox, Skeleton } from "../../kit/kit";
import { useParam } from "../../router";
import { t } from "../../text/en";

function Diff({ product, from, to }: { product: string; from: number; to: number }) {
  const query = useQuery(specDiffQuery(product, from, to));
  if (query.error) return <ErrorBox error={query.error} />;
  if (!query.data) return <Skeleton lines={6} />;
  if (query.data.lines.every((line) => line.sign === " ")) return <p className="soft">{t.specs.same}</p>;
  const names = { "+": t.specs.added, "-": t.specs.removed, " ": "" };
  return (
    <div className="table-scroll diff" tabIndex={0} role="region" aria-label={t.specs.diff(from, to)}>
      <table><tbody>{query.data.lines.map((line, index) => (
        <tr key={index} className={line.sign === "+" ? "added" : line.sign === "-" ? "removed" : ""}><td className="number">{line.from_line ?? ""}</td><td className="number">{line.to_line ?? ""}</td><td><span aria-hidden="true">{line.sign}</span><span className="hidden">{names[line.sign]}</span></td><td><code>{line.text}</code></td></tr>))}</tbody></table>
    </div>
  );
}

export function VersionsView({ detail }: { detail: SpecDetail }) {
  const query = useQuery(specVersionsQuery(detail.id));
  const [from, setFrom] = useParam("from");
  const [to, setTo] = useParam("to");
  const live = useMutation({
    mutationFn: (version: number) => invoke("PUT /strata/v1/products/{product_id}/spec/labels", { product_id: detail.id }, { label: "live", version }),
    onSettled: () => { void queryClient.invalidateQueries({ queryKey: ["spec", detail.id] }); void queryClient.invalidateQueries({ queryKey: ["specs"], exact: true }); },
  });
  if (query.error) return <ErrorBox error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Skeleton lines={4} />;
  const versions = query.data.data;
  if (versions.length === 0) return <Empty title={t.specs.noVersions} what={t.specs.noVersionsWhat} />;
  const newer = Number(to) || detail.latest, older = Number(from) || Math.max(1, newer - 1);
  return (
    <>
      {live.error && <ErrorBox error={live.error} />}
      <div className="table-scroll" tabIndex={0} role="region" aria-label={t.specs.views.versions}>
        <table><thead><tr><th className="number">{t.specs.version}</th><th>{t.specs.who}</th><th>{t.specs.whyHead}</th><th>{t.specs.when}</th><th><span className="hidden">{t.specs.makeLive}</span></th></tr></thead>
          <tbody>{versions.map((row) => (
            <tr key={row.version}><td className="number">{row.version}</td><td>{row.who}</td><td>{row.why || "–"}</td><td><Ago at={row.created_at} /></td>
              <td className="row-end">{detail.labels["live"] === row.version ? <Badge tone="good">{t.specs.live}</Badge> : <Button onClick={() => live.mutate(row.version)}>{t.specs.makeLive}</Button>}</td></tr>))}</tbody></table>
      </div>
      {versions.length > 1 && (
        <section><h2>{t.specs.difference}</h2>
          <p className="inline-form"><label>{t.specs.from} <select value={older} onChange={(event) => setFrom(event.target.value)}>{versions.map((row) => <option key={row.version}>{row.version}</option>)}</select></label>
            <label>{t.specs.to} <select value={newer} onChange={(event) => setTo(event.target.value)}>{versions.map((row) => <option key={row.version}>{row.version}</option>)}</select></label></p>
          <Diff product={detail.id} from={older} to={newer} />
        </section>)}
    </>
  );
}
