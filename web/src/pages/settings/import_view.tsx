// A CSV from a file or from the clipboard. What is typed stays until the server has taken it; an error is shown beside the line it names.
import { useMutation } from "@tanstack/react-query";
import { type DragEvent, type FormEvent, useId, useRef, useState } from "react";
import { ApiError } from "../../api/client";
import { useChanges } from "../../api/kept";
import { invoke } from "../../api/invoke";
import { reloadOutside } from "../../api/queries";
import type { Product } from "../../api/types";
import { bytes } from "../../format/format";
import { weekOf } from "../../format/metric";
import { Badge, Button, ErrorBox } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { Link, useParam } from "../../router";
import { t } from "../../text/en";
import { EnterOne } from "./enter_one";
import { badLine, bytesMax, exampleCsv, importKind, importKinds, recordCount, type ImportKind } from "./imports";
import { OutsideRows } from "./outside_rows";

function Columns({ kind }: { kind: ImportKind }) {
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={t.settings.column}>
      <table><thead><tr><th>{t.settings.column}</th><th><span className="hidden">{t.settings.needed}</span></th><th>{t.settings.expectedHead}</th></tr></thead>
        <tbody>{t.settings.columns[kind]!.map(([name, needed, expected]) => <tr key={name}><td><code>{name}</code></td><td><Badge tone={needed ? "busy" : "neutral"}>{needed ? t.settings.needed : t.settings.optional}</Badge></td><td>{expected}</td></tr>)}</tbody></table>
    </div>
  );
}

// The file's text, or an error in words.
async function readText(file: File): Promise<string> {
  if (file.size > bytesMax) throw new Error(t.settings.tooLarge(bytes(file.size)));
  try { return new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer()); } catch { throw new Error(t.settings.notText); }
}

function FilePick({ take }: { take: (text: string) => void }) {
  const [over, setOver] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const input = useRef<HTMLInputElement>(null);
  const read = async (file: File | undefined) => {
    if (!file) return;
    setError(null);
    try { take(await readText(file)); } catch (problem) { setError(problem); }
  };
  const drop = (event: DragEvent) => { event.preventDefault(); setOver(false); void read(event.dataTransfer.files[0]); };
  return (
    <div className={over ? "drop over" : "drop"} onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={drop}>
      <p><Button icon="upload" onClick={() => input.current?.click()}>{t.settings.choose}</Button> {t.settings.drop}</p>
      <small>{t.settings.limit}</small>
      <input ref={input} type="file" hidden aria-label={t.settings.choose} accept=".csv,.txt,text/csv" onChange={(event) => { void read(event.target.files?.[0]); event.target.value = ""; }} />
      {error ? <p className="bad-text" role="alert">{error instanceof Error ? error.message : String(error)}</p> : null}
    </div>
  );
}

function Refused({ error, csv, show }: { error: Error; csv: string; show: (begin: number, end: number) => void }) {
  const bad = error instanceof ApiError ? badLine(error.message, csv) : null;
  return (
    <>
      <ErrorBox error={error} />
      {bad && <p className="bad-line"><span>{t.settings.badLine(bad.number)}</span><code>{bad.text}</code><Button onClick={() => show(bad.begin, bad.end)}>{t.settings.goToLine(bad.number)}</Button></p>}
    </>
  );
}

function ImportCsv({ product, kind }: { product: Product; kind: ImportKind }) {
  const form = useChanges(`import.${product.id}.${kind}`);
  const csv = form.changes["csv"] ?? "";
  const area = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const send = useMutation({
    mutationFn: () => invoke(`POST /strata/v1/products/{product}/${kind}/import`, { product: product.id }, { csv }),
    onSuccess: (done) => { form.clear(); toast(t.settings.imported(done.rows)); void reloadOutside(); },
  });
  const change = (text: string) => { if (send.data) send.reset(); form.type("csv", text === "" ? null : text); };
  const show = (begin: number, end: number) => {
    const field = area.current;
    if (!field) return;
    field.focus();
    field.setSelectionRange(begin, end);
    field.scrollTop = Math.max(0, csv.slice(0, begin).split("\n").length - 3) * 20;
  };
  const submit = (event: FormEvent) => { event.preventDefault(); send.mutate(); };
  const records = recordCount(csv);
  return (
    <form className="settings-form" aria-label={t.settings.kinds[kind]} onSubmit={submit}>
      <FilePick take={change} />
      <div className="field"><label htmlFor={id}>{t.settings.csv}</label>
        <textarea ref={area} id={id} className="csv" rows={8} spellCheck={false} value={csv} placeholder={exampleCsv(kind, weekOf(Date.now()), Date.now())} aria-invalid={send.error !== null} onChange={(event) => change(event.target.value)}
          onKeyDown={(event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); event.currentTarget.form?.requestSubmit(); } }} />
        <small>{csv === "" ? t.settings.allOrNone : `${t.settings.lines(records)}. ${t.settings.allOrNone}`}</small></div>
      {send.error && <Refused error={send.error} csv={csv} show={show} />}
      {send.data && <p role="status" className="done-line"><Badge tone="good">{t.settings.imported(send.data.rows)}</Badge> <Link to={`/dashboard?product=${encodeURIComponent(product.id)}`}>{t.settings.seeWeek}</Link></p>}
      <div className="button-row">
        <Button look="primary" type="submit" disabled={send.isPending || records === 0}>{t.settings.importNow}</Button>
        {csv === "" ? <Button onClick={() => change(exampleCsv(kind, weekOf(Date.now()), Date.now()))}>{t.settings.example}</Button> : <Button onClick={() => { send.reset(); form.clear(); }}>{t.settings.clear}</Button>}
      </div>
    </form>
  );
}

export function ImportView({ product }: { product: Product }) {
  const [wanted, setWanted] = useParam("kind");
  const kind = importKind(wanted);
  return (
    <>
      <div className="tabs small-tabs" role="group" aria-label={t.settings.kind}>{importKinds.map((name) => <button key={name} type="button" aria-pressed={name === kind} onClick={() => setWanted(name === "satisfaction" ? null : name)}>{t.settings.kinds[name]}</button>)}</div>
      <div className="import-sides">
        <ImportCsv key={kind} product={product} kind={kind} />
        <div><Columns kind={kind} /><EnterOne key={kind} product={product} kind={kind} /></div>
      </div>
      <OutsideRows key={kind} product={product} kind={kind} />
    </>
  );
}
