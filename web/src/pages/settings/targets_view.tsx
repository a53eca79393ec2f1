import { useMutation, useQuery } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { useChanges } from "../../api/kept";
import { invoke } from "../../api/invoke";
import { metricSettingsQuery, queryClient, weekQuery } from "../../api/queries";
import type { MetricSettings, MetricTarget, Product, WeekReport } from "../../api/types";
import { metricValue, weekOf } from "../../format/metric";
import { Badge, Button, ErrorBox, IconButton, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { t } from "../../text/en";
import { NumberField, SaveBar } from "./form_parts";
import { namedTarget, settingOf, shownTarget, typedTarget, unitOf } from "./targets";

const tones = { PASS: "good", FAIL: "bad", WARN: "busy", "NO DATA": "neutral" } as const;
const signs: Record<string, string> = { ">=": "≥", "<=": "≤", "<": "<", ">": ">" };

interface RowProps { metric: MetricTarget; settings: MetricSettings; typed: string | undefined; type: (text: string | null) => void }
function Row({ metric, settings, typed, type }: RowProps) {
  const setting = settingOf(metric.key), unit = unitOf(setting, metric.unit);
  const saved = shownTarget(settings.values[setting], unit), standard = settings.defaults[setting];
  const text = typed ?? saved;
  const cost = setting === "cost_reduction";
  return (
    <li className="setting-row" data-setting={setting}>
      <div className="setting-name"><strong>{cost ? t.settings.costReduction : metric.label}</strong><small>{metric.definition}{cost && `. ${t.settings.baselineHint}`}</small></div>
      <NumberField label={t.settings.targetOf(metric.label)} hidden name={setting} text={text} changed={typed !== undefined} sign={cost ? "≥" : signs[metric.comparison] ?? metric.comparison} unit={t.settings.units[unit] ?? ""}
        error={typedTarget(text, unit).error} change={(next) => type(next === saved ? null : next)} />
      <span className="setting-default soft" data-label={t.settings.standard}><span className="hidden">{t.settings.standard}: </span>{namedTarget(standard, unit)}
        {typedTarget(text, unit).value !== standard && <IconButton icon="again" label={t.settings.toDefault(metric.label)} onClick={() => { const next = shownTarget(standard, unit); type(next === saved ? null : next); }} />}</span>
      <span className="setting-now"><span className="hidden">{t.settings.now}: </span>{metric.value === null ? "" : metricValue(metric.value, metric.unit)} <Badge tone={tones[metric.status]}>{t.metrics.statuses[metric.status]}</Badge></span>
    </li>
  );
}

function Form({ product, settings, week }: { product: Product; settings: MetricSettings; week: WeekReport }) {
  const form = useChanges(`targets.${product.id}`);
  const units = new Map(week.metrics.map((metric) => [settingOf(metric.key), unitOf(settingOf(metric.key), metric.unit)]));
  const typed = Object.entries(form.changes).filter(([name]) => units.has(name));
  const blocked = typed.some(([name, text]) => typedTarget(text, units.get(name)!).error !== null);
  const save = useMutation({
    mutationFn: () => invoke("PATCH /strata/v1/products/{product}/metrics/settings", { product: product.id }, Object.fromEntries(typed.map(([name, text]) => [name, typedTarget(text, units.get(name)!).value]))),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ["metric-settings", product.id] });
      form.clear();
      toast(t.settings.saved);
      void queryClient.invalidateQueries({ queryKey: ["weeks"] });
    },
  });
  const allDefaults = () => form.set(Object.fromEntries([...units].map(([name, unit]) => [name, unit] as const).filter(([name]) => settings.values[name] !== settings.defaults[name]).map(([name, unit]) => [name, shownTarget(settings.defaults[name], unit)])));
  const standard = [...units].every(([name, unit]) => typedTarget(form.changes[name] ?? shownTarget(settings.values[name], unit), unit).value === settings.defaults[name]);
  const submit = (event: FormEvent) => { event.preventDefault(); save.mutate(); };
  return (
    <form className="settings-form" aria-label={t.settings.views.targets} onSubmit={submit}>
      <p className="soft">{t.settings.targetsWhat}</p>
      {[...new Set(week.metrics.map((metric) => metric.layer))].map((layer) => (
        <section key={layer}>
          <div className="setting-row setting-heads"><h2>{layer}</h2><span aria-hidden="true">{t.metrics.target}</span><span aria-hidden="true">{t.settings.standard}</span><span aria-hidden="true">{t.settings.now}</span></div>
          <ul className="setting-list">{week.metrics.filter((metric) => metric.layer === layer).map((metric) => (
            <Row key={metric.key} metric={metric} settings={settings} typed={form.changes[settingOf(metric.key)]} type={(text) => form.type(settingOf(metric.key), text)} />))}</ul>
        </section>))}
      {save.error && <ErrorBox error={save.error} />}
      <SaveBar count={typed.length} busy={save.isPending} blocked={blocked} discard={form.clear}><Button icon="again" disabled={standard} onClick={allDefaults}>{t.settings.allDefaults}</Button></SaveBar>
    </form>
  );
}

export function TargetsView({ product }: { product: Product }) {
  const settings = useQuery(metricSettingsQuery(product.id));
  const week = useQuery(weekQuery(product.id, weekOf(Date.now())));
  const error = settings.error ?? week.error;
  if (error) return <ErrorBox error={error} retry={() => { void settings.refetch(); void week.refetch(); }} />;
  return settings.data && week.data ? <Form product={product} settings={settings.data} week={week.data} /> : <Skeleton lines={12} />;
}
