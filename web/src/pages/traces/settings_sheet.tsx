// What traces keep, for how long, and where they are sent on to.
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useChanges } from "../../api/kept";
import { invoke } from "../../api/invoke";
import { queryClient, traceSettingsQuery } from "../../api/queries";
import type { TraceSettings } from "../../api/types";
import { count } from "../../format/format";
import { Confirm, Dialog } from "../../kit/dialog";
import { Button, ErrorBox, Field, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { t } from "../../text/en";

function Form({ settings, onClose }: { settings: TraceSettings; onClose: () => void }) {
  const form = useChanges("traces");
  const text = (name: "keep_days" | "keep_mb" | "export_url" | "export_format") => form.changes[name] ?? String(settings[name]);
  const content = form.changes["content"] === undefined ? settings.content : form.changes["content"] === "true";
  // The header is a secret: it is not kept in the browser.
  const [header, setHeader] = useState("");
  const save = useMutation({
    mutationFn: () => invoke("PATCH /strata/v1/traces/settings", {}, { content, keep_days: Number(text("keep_days")), keep_mb: Number(text("keep_mb")), export_url: text("export_url").trim(), export_format: text("export_format") === "json" ? "json" : "protobuf", ...(header ? { export_header: header } : {}) }),
    onSuccess: (next) => { form.clear(); queryClient.setQueryData(traceSettingsQuery.queryKey, next); toast(t.traces.saved); onClose(); },
  });
  const submit = (event: FormEvent) => { event.preventDefault(); save.mutate(); };
  return (
    <form onSubmit={submit}>
      <p className="soft">{t.traces.keptWhat}</p>
      <div className="field"><label className="check"><input type="checkbox" checked={content} onChange={(event) => form.type("content", String(event.target.checked))} />{t.traces.content}</label><small>{t.traces.contentWhat}</small></div>
      <div className="setting-pair">
        <Field label={t.traces.keepDays}>{(id) => <input id={id} type="number" required min="1" max="3650" value={text("keep_days")} onChange={(event) => form.type("keep_days", event.target.value)} />}</Field>
        <Field label={t.traces.keepMb}>{(id) => <input id={id} type="number" required min="1" max="1000000" value={text("keep_mb")} onChange={(event) => form.type("keep_mb", event.target.value)} />}</Field>
      </div>
      <Field label={t.traces.exportUrl} hint={t.traces.exportUrlWhat}>{(id) => <input id={id} type="url" maxLength={500} placeholder="http://localhost:4318" value={text("export_url")} onChange={(event) => form.type("export_url", event.target.value)} />}</Field>
      {text("export_url") !== "" && (
        <div className="setting-pair">
          <Field label={t.traces.exportFormat}>{(id) => <select id={id} value={text("export_format")} onChange={(event) => form.type("export_format", event.target.value)}><option>protobuf</option><option>json</option></select>}</Field>
          <Field label={t.traces.exportHeader} hint={settings.has_export_header ? t.traces.hasHeader : t.traces.exportHeaderWhat}>{(id) => <input id={id} type="password" autoComplete="off" maxLength={4096} value={header} onChange={(event) => setHeader(event.target.value)} />}</Field>
        </div>)}
      <p className="soft small">{t.traces.counts(count(settings.spans.stored), count(settings.spans.dropped))}</p>
      {save.error && <ErrorBox error={save.error} />}
      <footer className="dialog-foot"><Button onClick={onClose}>{t.common.cancel}</Button><Button look="primary" type="submit" disabled={save.isPending}>{t.common.save}</Button></footer>
    </form>
  );
}

export function TraceSettingsSheet({ onClose }: { onClose: () => void }) {
  const query = useQuery(traceSettingsQuery);
  const [asking, setAsking] = useState(false);
  const clear = useMutation({
    mutationFn: () => invoke("DELETE /strata/v1/traces", {}),
    onSuccess: () => { setAsking(false); onClose(); toast(t.traces.removed); void queryClient.invalidateQueries({ queryKey: ["traces"] }); },
  });
  if (asking) return <Confirm title={t.traces.removeTitle} what={t.traces.removeWhat} action={t.traces.remove} busy={clear.isPending} error={clear.error} onClose={() => setAsking(false)} onConfirm={() => clear.mutate()} />;
  return (
    <Dialog title={t.traces.kept} onClose={onClose}>
      {query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : query.data ? <Form settings={query.data} onClose={onClose} /> : <Skeleton lines={6} />}
      <p><Button icon="trash" onClick={() => setAsking(true)}>{t.traces.remove}</Button></p>
    </Dialog>
  );
}
