import { useMutation, useQuery } from "@tanstack/react-query";
import { invoke } from "../../api/invoke";
import { draftsQuery, productsQuery, queryClient } from "../../api/queries";
import type { Draft } from "../../api/types";
import { Ago, Badge, Button, Empty, ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { Link, useParam } from "../../router";
import { t } from "../../text/en";
import { AnswerSheets } from "../ask/sheets";
import { DraftView } from "./draft_view";
import { NewTicket } from "./new_ticket";

function FirstProduct() {
  const make = useMutation({
    mutationFn: () => invoke("POST /strata/v1/products", {}, { id: "support-copilot", name: "Support Copilot" }),
    onSuccess: () => void queryClient.invalidateQueries({ queryKey: ["products"] }),
  });
  return (
    <Empty title={t.drafts.noProduct} what={t.drafts.noProductWhat}>
      <Button look="primary" icon="plus" disabled={make.isPending} onClick={() => make.mutate()}>{t.drafts.makeProduct}</Button>
      {make.error && <ErrorBox error={make.error} />}
    </Empty>
  );
}

function Row({ draft }: { draft: Draft }) {
  const state = draft.state === "sent" ? (draft.edited ? t.drafts.sentEdited(draft.edit_distance) : t.drafts.sentAs) : t.drafts[draft.state];
  return (
    <li className="draft-row">
      <Link data-item to={`/drafts/${draft.id}`}>{draft.text.replace(/\s+/g, " ").slice(0, 120) || draft.id}</Link>
      <span><Badge tone={draft.state === "sent" ? "good" : draft.state === "open" ? "busy" : "neutral"}>{state}</Badge> {draft.simulated && <Badge>{t.drafts.simulated}</Badge>} <small className="soft"><Ago at={draft.created_at} /></small></span>
    </li>
  );
}

function Drafts({ product }: { product: string }) {
  const [state, setState] = useParam("state");
  const shown = state || "open";
  const query = useQuery(draftsQuery(product, shown === "all" ? "" : shown));
  return (
    <section aria-label={t.drafts.title}>
      <div className="tabs" role="group" aria-label={t.drafts.state}>{t.drafts.states.map(([name, label]) => <button key={name} type="button" aria-pressed={shown === name} onClick={() => setState(name === "open" ? null : name)}>{label}</button>)}</div>
      {query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} />
        : !query.data ? <Skeleton lines={4} />
        : query.data.data.length === 0 ? <Empty title={t.drafts.none} what={t.drafts.noneWhat} />
        : <ul className="draft-list" data-list>{query.data.data.map((draft) => <Row key={draft.id} draft={draft} />)}</ul>}
    </section>
  );
}

export default function DraftsPage({ id }: { id: string }) {
  const [chosen, setChosen] = useParam("product");
  const products = useQuery(productsQuery);
  const all = products.data?.data ?? [];
  const product = chosen || all[0]?.id || "";
  return (
    <div className="page">
      <PageHead title={t.drafts.title} what={t.drafts.what}>
        {!id && all.length > 1 && <select aria-label={t.drafts.product} value={product} onChange={(event) => setChosen(event.target.value)}>{all.map((row) => <option key={row.id} value={row.id}>{row.name}</option>)}</select>}
      </PageHead>
      {id ? <DraftView key={id} id={id} />
        : products.error ? <ErrorBox error={products.error} retry={() => void products.refetch()} />
        : !products.data ? <Skeleton lines={6} />
        : all.length === 0 ? <FirstProduct />
        : <><NewTicket key={product} product={product} /><Drafts product={product} /></>}
      <AnswerSheets />
    </div>
  );
}
