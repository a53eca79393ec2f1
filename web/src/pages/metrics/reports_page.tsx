import { useMutation, useQuery } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { invoke } from "../../api/invoke";
import { queryClient, scheduleQuery, updatesQuery } from "../../api/queries";
import type { Product, WeeklyUpdate } from "../../api/types";
import { everyWeek } from "../../format/schedule";
import { Confirm } from "../../kit/dialog";
import { Ago, Badge, Button, Empty, ErrorBox, Field, PageHead, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { Link, useParam } from "../../router";
import { t } from "../../text/en";
import { WithProduct } from "./product_picker";

const Markdown = lazy(() => import("../../kit/markdown"));
const noCitations: ReadonlySet<number> = new Set();

const forms = ["markdown", "html", "text"] as const;
const reload = (product: string) => queryClient.invalidateQueries({ queryKey: ["updates", product] });
const path = (update: WeeklyUpdate) => `/strata/v1/updates/${encodeURIComponent(update.id)}`;

// What is typed is kept in the browser until the server has it: a reload or a lost connection loses nothing.
function useTyped(update: WeeklyUpdate): [string, (body: string | null) => void] {
  const key = `strata.update.${update.id}`;
  const [typed, setTyped] = useState(() => localStorage.getItem(key));
  const change = (body: string | null) => {
    setTyped(body);
    if (body === null) localStorage.removeItem(key);
    else localStorage.setItem(key, body);
  };
  return [typed ?? update.body, change];
}

function Editor({ update }: { update: WeeklyUpdate }) {
  const [body, change] = useTyped(update);
  const [seen] = useState(update.updated_at);
  const [saved, setSaved] = useState<number | null>(null);
  const save = useMutation({
    mutationFn: () => invoke("PATCH /strata/v1/updates/{update}", { update: update.id }, { body, updated_at: saved ?? seen }),
    onSuccess: (row) => { change(null); setSaved(row.updated_at); toast(t.reports.saved); void reload(update.product); },
  });
  const dirty = body !== update.body;
  return (
    <form onSubmit={(event) => { event.preventDefault(); save.mutate(); }}>
      <Field label={t.reports.body}>{(id) => <textarea id={id} className="update-body" rows={24} value={body} onChange={(event) => change(event.target.value)} />}</Field>
      {save.error && <ErrorBox error={save.error} />}
      <p><Button look="primary" type="submit" disabled={!dirty || save.isPending}>{t.reports.save}</Button> <span className="soft" role="status">{dirty ? t.reports.unsaved : ""}</span></p>
    </form>
  );
}

function Actions({ update }: { update: WeeklyUpdate }) {
  const [asking, setAsking] = useState(false);
  const settled = { onSettled: () => void reload(update.product) };
  const reset = useMutation({ mutationFn: () => invoke("POST /strata/v1/updates/{update}/reset", { update: update.id }), onSuccess: () => { localStorage.removeItem(`strata.update.${update.id}`); setAsking(false); }, ...settled });
  const sent = useMutation({ mutationFn: () => invoke("POST /strata/v1/updates/{update}/sent", { update: update.id }), ...settled });
  return (
    <p className="button-row">
      {forms.map((form) => <a key={form} className="button plain" href={`${path(update)}/download?form=${form}`} download>{t.reports.download(form)}</a>)}
      {update.state === "draft" && <Button onClick={() => sent.mutate()} disabled={sent.isPending}>{t.reports.markSent}</Button>}
      {update.state === "draft" && update.edited && <Button onClick={() => setAsking(true)}>{t.reports.reset}</Button>}
      {sent.error && <ErrorBox error={sent.error} />}
      {asking && <Confirm title={t.reports.resetTitle} what={t.reports.resetWhat} action={t.reports.reset} busy={reset.isPending} error={reset.error} onClose={() => setAsking(false)} onConfirm={() => reset.mutate()} />}
    </p>
  );
}

function One({ update }: { update: WeeklyUpdate }) {
  const [view, setView] = useParam("view");
  const editable = update.state === "draft";
  const shown = view || "preview";
  const views = [["preview", t.reports.preview], ["email", t.reports.email], ...(editable ? [["edit", t.reports.edit]] : [])] as [string, string][];
  return (
    <section aria-label={t.reports.week(update.week)}>
      <p><strong>{t.reports.week(update.week)}</strong> <Badge tone={editable ? "neutral" : "good"}>{editable ? t.reports.draft : t.reports.sent}</Badge> {update.edited && <Badge>{t.reports.edited}</Badge>} <span className="soft">{t.reports.by(update.made_by)}, <Ago at={update.updated_at} /></span></p>
      <div className="tabs" role="group" aria-label={t.reports.forms}>{views.map(([name, label]) => <button key={name} type="button" aria-pressed={shown === name} onClick={() => setView(name)}>{label}</button>)}</div>
      {shown === "edit" && editable ? <Editor key={update.body} update={update} /> : shown === "email" ? <pre className="email" tabIndex={0}>{update.text}</pre> : <div className="update-preview"><Suspense fallback={<Skeleton lines={8} />}><Markdown text={update.body} known={noCitations} chip={() => null} /></Suspense></div>}
      <Actions update={update} />
    </section>
  );
}

function Schedule({ product }: { product: string }) {
  const schedule = useQuery(scheduleQuery(product)).data;
  if (!schedule) return null;
  return <p className="soft">{schedule.enabled ? t.reports.written(everyWeek(schedule)) : t.reports.notWritten} <Link to={`/settings?product=${encodeURIComponent(product)}&view=schedule`}>{t.reports.change}</Link></p>;
}

function Updates({ product, picker }: { product: Product; picker: ReactNode }) {
  const query = useQuery(updatesQuery(product.id));
  const [week, setWeek] = useParam("week");
  const make = useMutation({
    mutationFn: () => invoke("POST /strata/v1/products/{product}/updates", { product: product.id }, {}),
    onSuccess: (row) => { setWeek(row.week); void reload(product.id); },
  });
  const updates = query.data?.data;
  const chosen = updates?.find((row) => row.week === week) ?? updates?.[0];
  useEffect(() => { if (week && updates && !updates.some((row) => row.week === week)) setWeek(null); }, [week, updates, setWeek]);
  return (
    <div className="page">
      <PageHead title={t.reports.title} what={t.reports.what}>{picker}<Button look="primary" icon="plus" disabled={make.isPending} onClick={() => make.mutate()}>{t.reports.make}</Button></PageHead>
      {make.error && <ErrorBox error={make.error} />}
      {query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : !updates ? <Skeleton lines={10} />
        : !chosen ? <Empty title={t.reports.none} what={t.reports.noneWhat} />
        : (
          <>
            {updates.length > 1 && <label className="check">{t.reports.updates} <select value={chosen.week} onChange={(event) => setWeek(event.target.value)}>{updates.map((row) => <option key={row.id} value={row.week}>{t.reports.week(row.week)}</option>)}</select></label>}
            <One key={chosen.id} update={chosen} />
          </>)}
      <Schedule product={product.id} />
    </div>
  );
}

export default function ReportsPage() {
  return <WithProduct title={t.reports.title} what={t.reports.what}>{(product, picker) => <Updates key={product.id} product={product} picker={picker} />}</WithProduct>;
}
