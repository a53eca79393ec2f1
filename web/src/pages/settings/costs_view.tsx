import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useChanges } from "../../api/kept";
import { invoke } from "../../api/invoke";
import { factKindsQuery, factsQuery, metricSettingsQuery, queryClient, reloadOutside } from "../../api/queries";
import type { FactKind, MetricSettings, MetricUnit, OutsideFact, Product } from "../../api/types";
import { shiftWeek, weekOf } from "../../format/metric";
import { Confirm } from "../../kit/dialog";
import { Ago, Button, ErrorBox, IconButton, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { useParam } from "../../router";
import { t } from "../../text/en";
import { NumberField, SaveBar, Source } from "./form_parts";
import { shownTarget, typedTarget } from "./targets";

const prices = [["prompt_price", t.settings.promptPrice], ["completion_price", t.settings.completionPrice]] as const;

function Prices({ product, settings }: { product: Product; settings: MetricSettings }) {
  const form = useChanges(`prices.${product.id}`);
  const typed = Object.entries(form.changes);
  const save = useMutation({
    mutationFn: () => invoke("PATCH /strata/v1/products/{product}/metrics/settings", { product: product.id }, Object.fromEntries(typed.map(([name, text]) => [name, typedTarget(text, "usd").value]))),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ["metric-settings", product.id] });
      form.clear();
      toast(t.settings.saved);
      void queryClient.invalidateQueries({ queryKey: ["weeks"] });
    },
  });
  const submit = (event: FormEvent) => { event.preventDefault(); save.mutate(); };
  return (
    <section><h2>{t.settings.prices}</h2>
      <p className="soft">{t.settings.pricesWhat}</p>
      <form className="settings-form" aria-label={t.settings.prices} onSubmit={submit}>
        <div className="setting-pair">{prices.map(([name, label]) => {
          const saved = shownTarget(settings.values[name], "usd"), text = form.changes[name] ?? saved;
          return <NumberField key={name} label={label} name={name} text={text} changed={name in form.changes} unit={t.settings.perMillion} placeholder={t.settings.notStated} error={typedTarget(text, "usd").error} change={(next) => form.type(name, next === saved ? null : next)} />;
        })}</div>
        {save.error && <ErrorBox error={save.error} />}
        <SaveBar count={typed.length} busy={save.isPending} blocked={typed.some(([, text]) => typedTarget(text, "usd").error !== null)} discard={form.clear} />
      </form>
    </section>
  );
}

const labelOf = (name: string) => t.settings.facts[name] ?? name.replaceAll("_", " ");
const rangeOf = (kind: FactKind) => ({ least: kind.least <= -1e9 ? null : kind.least, most: kind.most >= 1e9 ? null : kind.most, example: kind.least === 0 && kind.most === 1 ? "0.92" : kind.most === 5 ? "4.2" : "40" });
const unit: MetricUnit = "count";
// A number as it was given, with its thousands set apart.
const plainNumber = (value: number) => new Intl.NumberFormat("en", { maximumFractionDigits: 10 }).format(value);

interface FactRowProps { kind: FactKind; held: OutsideFact | undefined; typed: string | undefined; type: (text: string | null) => void; takeBack: (fact: OutsideFact) => void }
function FactRow({ kind, held, typed, type, takeBack }: FactRowProps) {
  const label = labelOf(kind.name);
  return (
    <li className="setting-row fact" data-fact={kind.name}>
      <div className="setting-name"><strong>{label}</strong><small>{kind.meaning}</small></div>
      <div className="setting-held">
        {held ? (
          <><strong>{plainNumber(held.value)} <span className="soft">{kind.unit}</span></strong> <Source source={held.source} simulated={held.simulated} />
            <IconButton icon="trash" label={t.settings.takeBack(label)} onClick={() => takeBack(held)} />
            <small>{kind.standing && `${t.settings.since(held.week)}, `}{held.who && `${t.settings.by(held.who)}, `}<Ago at={held.at} /></small></>)
          : <span className="soft">{t.settings.none}</span>}
      </div>
      <NumberField label={t.settings.newValue(label)} hidden name={kind.name} text={typed ?? ""} changed={typed !== undefined} unit={kind.unit} error={typed === undefined ? null : typedTarget(typed, unit, rangeOf(kind)).error} change={(next) => type(next.trim() === "" ? null : next)} />
    </li>
  );
}

function TakeBack({ fact, onClose }: { fact: OutsideFact; onClose: () => void }) {
  const take = useMutation({ mutationFn: () => invoke("DELETE /strata/v1/facts/{fact}", { fact: fact.id }), onSuccess: () => { toast(t.settings.takenBack); void reloadOutside(); onClose(); } });
  return <Confirm title={t.settings.takeBackTitle} what={t.settings.takeBackWhat(labelOf(fact.name), plainNumber(fact.value), fact.week)} action={t.settings.remove} busy={take.isPending} error={take.error} onClose={onClose} onConfirm={() => take.mutate()} />;
}

function Facts({ product, week, kinds, held }: { product: Product; week: string; kinds: FactKind[]; held: OutsideFact[] }) {
  const form = useChanges(`facts.${product.id}.${week}`);
  const [taking, setTaking] = useState<OutsideFact | null>(null);
  const typed = kinds.filter((kind) => kind.name in form.changes);
  const value = (kind: FactKind) => typedTarget(form.changes[kind.name]!, unit, rangeOf(kind));
  const save = useMutation({
    mutationFn: async () => {
      const left = { ...form.changes };
      // One after the other: what arrived is done with even where a later one is refused.
      for (const kind of typed) {
        await invoke("POST /strata/v1/products/{product}/facts", { product: product.id }, { week, name: kind.name, value: value(kind).value!, source: "entered" });
        delete left[kind.name];
        form.set({ ...left });
      }
    },
    onSuccess: () => toast(t.settings.saved),
    onSettled: () => void reloadOutside(),
  });
  const submit = (event: FormEvent) => { event.preventDefault(); save.mutate(); };
  const group = (title: string, note: string, standing: boolean) => (
    <section><h3>{title}</h3><p className="soft small">{note}</p>
      <ul className="setting-list">{kinds.filter((kind) => kind.standing === standing).map((kind) => (
        <FactRow key={kind.name} kind={kind} held={held.find((fact) => fact.name === kind.name)} typed={form.changes[kind.name]} type={(text) => form.type(kind.name, text)} takeBack={setTaking} />))}</ul>
    </section>);
  return (
    <>
    <form className="settings-form" aria-label={t.settings.outside} onSubmit={submit}>
      {group(t.settings.standing, t.settings.from(week), true)}
      {group(t.settings.weekly, t.settings.only(week), false)}
      {save.error && <ErrorBox error={save.error} />}
      <SaveBar count={typed.length} busy={save.isPending} blocked={typed.some((kind) => value(kind).error !== null)} discard={form.clear} />
    </form>
    {taking && <TakeBack fact={taking} onClose={() => setTaking(null)} />}
    </>
  );
}

export function CostsView({ product }: { product: Product }) {
  const current = weekOf(Date.now());
  const [wanted, setWanted] = useParam("week");
  const week = wanted || current;
  const settings = useQuery(metricSettingsQuery(product.id));
  const kinds = useQuery(factKindsQuery);
  const facts = useQuery(factsQuery(product.id, week));
  const error = settings.error ?? kinds.error ?? facts.error;
  if (error) return <ErrorBox error={error} retry={() => { void settings.refetch(); void kinds.refetch(); void facts.refetch(); }} />;
  return (
    <>
      {settings.data ? <Prices product={product} settings={settings.data} /> : <Skeleton lines={3} />}
      <section>
        <div className="section-head"><h2>{t.settings.outside}</h2>
          <div className="page-actions">
            <IconButton icon="left" label={t.settings.before} onClick={() => setWanted(shiftWeek(week, -1))} />
            <strong aria-live="polite">{week}</strong>
            <IconButton icon="right" label={t.settings.after} disabled={week >= current} onClick={() => setWanted(shiftWeek(week, 1))} />
            {week !== current && <Button onClick={() => setWanted(null)}>{t.settings.thisWeek}</Button>}
          </div></div>
        <p className="soft">{t.settings.outsideWhat}</p>
        {kinds.data && facts.data ? <Facts key={week} product={product} week={week} kinds={kinds.data.data} held={facts.data.data} /> : <Skeleton lines={8} />}
      </section>
    </>
  );
}
