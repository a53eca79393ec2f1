// One score or one developer's step, typed by a person and marked as entered.
import { useMutation } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { useChanges } from "../../api/kept";
import { invoke } from "../../api/invoke";
import { reloadOutside } from "../../api/queries";
import type { Product } from "../../api/types";
import { Button, ErrorBox, Field } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { Link } from "../../router";
import { t } from "../../text/en";
import { enteredAt, today, type ImportKind } from "./imports";

function useEntry(product: Product, kind: "satisfaction" | "developers", post: (field: (name: string) => string) => Promise<unknown>) {
  const form = useChanges(`enter.${product.id}.${kind}`);
  const field = (name: string) => form.changes[name] ?? "";
  const send = useMutation({
    mutationFn: () => post(field),
    onSuccess: () => { form.clear(); toast(t.settings.entered); void reloadOutside(); },
  });
  const submit = (event: FormEvent) => { event.preventDefault(); send.mutate(); };
  return { field, type: form.type, send, submit };
}

function DateField({ value, change }: { value: string; change: (text: string) => void }) {
  const now = today(Date.now());
  return <Field label={t.settings.date}>{(id) => <input id={id} type="date" required max={now} value={value || now} onChange={(event) => change(event.target.value)} />}</Field>;
}

function Score({ product }: { product: Product }) {
  const { field, type, send, submit } = useEntry(product, "satisfaction", (name) => invoke("POST /strata/v1/products/{product}/satisfaction", { product: product.id }, {
    score: Number(name("score")), source: "entered", at: enteredAt(name("date"), Date.now()), ...(name("conversation").trim() ? { conversation_id: name("conversation").trim() } : {}) }));
  return (
    <form className="enter-one" onSubmit={submit} aria-label={t.settings.orEnter}>
      <DateField value={field("date")} change={(text) => type("date", text)} />
      <Field label={t.settings.score}>{(id) => <select id={id} required value={field("score")} onChange={(event) => type("score", event.target.value)}><option value="" />{[5, 4, 3, 2, 1].map((score) => <option key={score}>{score}</option>)}</select>}</Field>
      <Field label={t.settings.conversation}>{(id) => <input id={id} value={field("conversation")} maxLength={200} onChange={(event) => type("conversation", event.target.value)} />}</Field>
      <Button type="submit" disabled={send.isPending}>{t.settings.enter}</Button>
      {send.error && <ErrorBox error={send.error} />}
    </form>
  );
}

function Step({ product }: { product: Product }) {
  const { field, type, send, submit } = useEntry(product, "developers", (name) => invoke("POST /strata/v1/products/{product}/developers", { product: product.id }, {
    developer: name("developer").trim(), kind: t.settings.steps.find(([kind]) => kind === name("kind"))?.[0] ?? "signup", source: "entered", at: enteredAt(name("date"), Date.now()) }));
  return (
    <form className="enter-one" onSubmit={submit} aria-label={t.settings.orEnter}>
      <DateField value={field("date")} change={(text) => type("date", text)} />
      <Field label={t.settings.developer}>{(id) => <input id={id} required maxLength={200} value={field("developer")} onChange={(event) => type("developer", event.target.value)} />}</Field>
      <Field label={t.settings.step}>{(id) => <select id={id} value={field("kind") || "signup"} onChange={(event) => type("kind", event.target.value)}>{t.settings.steps.map(([kind, label]) => <option key={kind} value={kind}>{label}</option>)}</select>}</Field>
      <Button type="submit" disabled={send.isPending}>{t.settings.enter}</Button>
      {send.error && <ErrorBox error={send.error} />}
    </form>
  );
}

export function EnterOne({ product, kind }: { product: Product; kind: ImportKind }) {
  return (
    <section><h2 className="enter-head">{t.settings.orEnter}</h2>
      {kind === "satisfaction" ? <Score product={product} /> : kind === "developers" ? <Step product={product} />
        : <p><Link to={`/settings?product=${encodeURIComponent(product.id)}&view=costs`}>{t.settings.factsElsewhere}</Link></p>}
    </section>
  );
}
