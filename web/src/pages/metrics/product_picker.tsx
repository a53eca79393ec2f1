// Which product and, for metrics, which week: both in the address. Without any product, a form that makes the first.
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useId, useState } from "react";
import { invoke } from "../../api/invoke";
import { productsQuery, queryClient } from "../../api/queries";
import type { Product } from "../../api/types";
import { Button, Empty, ErrorBox, Field, PageHead, Skeleton } from "../../kit/kit";
import { useParam } from "../../router";
import { t } from "../../text/en";

function FirstProduct() {
  const [form, setForm] = useState({ id: "", name: "" });
  const make = useMutation({ mutationFn: () => invoke("POST /strata/v1/products", {}, form), onSuccess: () => void queryClient.invalidateQueries({ queryKey: ["products"] }) });
  const submit = (event: FormEvent) => { event.preventDefault(); make.mutate(); };
  return (
    <Empty title={t.metrics.none} what={t.metrics.noneWhat}>
      <form className="narrow-form" onSubmit={submit}>
        <Field label={t.metrics.name}>{(id) => <input id={id} required maxLength={200} placeholder={t.metrics.example} value={form.name} onChange={(event) => setForm({ ...form, name: event.target.value })} />}</Field>
        <Field label={t.metrics.id} hint={t.metrics.idHint}>{(id) => <input id={id} required pattern="[a-z][a-z0-9\-]*" maxLength={64} value={form.id} onChange={(event) => setForm({ ...form, id: event.target.value })} />}</Field>
        {make.error && <ErrorBox error={make.error} />}
        <Button look="primary" type="submit" disabled={make.isPending}>{t.metrics.make}</Button>
      </form>
    </Empty>
  );
}

export function WithProduct({ title, what, children }: { title: string; what: string; children: (product: Product, picker: ReactNode) => ReactNode }) {
  const query = useQuery(productsQuery);
  const [wanted, setWanted] = useParam("product");
  const id = useId();
  if (!query.data) return <div className="page"><PageHead title={title} what={what} />{query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : <Skeleton lines={8} />}</div>;
  const products = query.data.data;
  const product = products.find((row) => row.id === wanted) ?? products.find((row) => row.id === "support-copilot") ?? products[0];
  if (!product) return <div className="page"><PageHead title={title} what={what} /><FirstProduct /></div>;
  const picker = (
    <span className="check"><label htmlFor={id}>{t.metrics.product}</label>
      <select id={id} value={product.id} onChange={(event) => setWanted(event.target.value)}>{products.map((row) => <option key={row.id} value={row.id}>{row.name}</option>)}</select></span>);
  return <>{children(product, picker)}</>;
}
