// The table of prices as it is written, and as it is read.
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useId } from "react";
import { useChanges } from "../../api/kept";
import { invoke } from "../../api/invoke";
import { pricesQuery, queryClient, systemQuery } from "../../api/queries";
import type { Prices } from "../../api/types";
import { price as shown } from "../../format/money";
import { Button, ErrorBox, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { t } from "../../text/en";
import { examplePrices } from "./usage";

function Read({ prices }: { prices: Prices }) {
  const models = Object.entries(prices.models);
  return (
    <section><h2>{t.usage.read}</h2>
      {models.length === 0 && prices.local.cpu_hour === null ? <p className="soft">{t.usage.noPrices}</p> : (
        <div className="table-scroll" tabIndex={0} role="region" aria-label={t.usage.read}>
          <table><thead><tr><th>{t.usage.model}</th><th className="number">{t.usage.inputPrice}</th><th className="number">{t.usage.cachedPrice}</th><th className="number">{t.usage.outputPrice}</th></tr></thead>
            <tbody>{models.map(([id, price]) => <tr key={id}><td>{id}</td><td className="number">{shown(price.input, prices.currency)}</td><td className="number">{shown(price.cached, prices.currency)}</td><td className="number">{shown(price.output, prices.currency)}</td></tr>)}
              {prices.local.cpu_hour !== null && <tr><td>{t.usage.cpuHour}</td><td className="number" colSpan={3}>{shown(prices.local.cpu_hour, prices.currency)}</td></tr>}</tbody></table>
        </div>)}
    </section>
  );
}

function Form({ prices }: { prices: Prices }) {
  const form = useChanges("prices");
  const models = useQuery(systemQuery(false)).data?.models ?? [];
  const text = form.changes["text"] ?? prices.text;
  const id = useId();
  const save = useMutation({
    mutationFn: () => invoke("PUT /strata/v1/prices", {}, { text }),
    onSuccess: (next) => { form.clear(); queryClient.setQueryData(pricesQuery.queryKey, next); toast(t.usage.saved); },
  });
  const change = (next: string) => form.type("text", next === prices.text ? null : next);
  const submit = (event: FormEvent) => { event.preventDefault(); save.mutate(); };
  const dirty = "text" in form.changes;
  return (
    <form className="settings-form" onSubmit={submit}>
      <div className="field"><label htmlFor={id}>{t.usage.table}</label>
        <textarea id={id} className="csv" rows={16} spellCheck={false} value={text} aria-invalid={save.error !== null} onChange={(event) => change(event.target.value)} /></div>
      {save.error && <ErrorBox error={save.error} />}
      <div className="button-row"><Button look="primary" type="submit" disabled={!dirty || save.isPending}>{t.usage.save}</Button>
        {text === "" && <Button onClick={() => change(examplePrices(models))}>{t.usage.example}</Button>}
        {dirty && <Button onClick={form.clear}>{t.usage.discard}</Button>} <span className="soft" role="status">{dirty ? t.usage.unsaved : ""}</span></div>
    </form>
  );
}

export function PricesView() {
  const query = useQuery(pricesQuery);
  if (query.error) return <ErrorBox error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Skeleton lines={8} />;
  return <><p className="soft">{t.usage.pricesWhat}</p><div className="import-sides"><Form prices={query.data} /><Read prices={query.data} /></div></>;
}
