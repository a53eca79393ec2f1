import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { invoke } from "../../api/invoke";
import { providersQuery, queryClient, systemQuery } from "../../api/queries";
import type { System } from "../../api/types";
import { bytes, count, duration, parameters, percent, rate } from "../../format/format";
import { Confirm } from "../../kit/dialog";
import { Badge, Button, ErrorBox, IconButton, PageHead, Skeleton } from "../../kit/kit";
import { t } from "../../text/en";
import ProviderDialog from "./provider_dialog";

function Facts({ title, rows }: { title: string; rows: [string, string][] }) {
  return <section className="facts-card"><h2>{title}</h2><dl>{rows.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl></section>;
}

function Models({ system }: { system: System }) {
  const choose = useMutation({ mutationFn: (id: string) => invoke("POST /strata/v1/models/default", {}, { id }), onSettled: () => void queryClient.invalidateQueries({ queryKey: ["system"] }) });
  return (
    <section><h2>{t.system.models}</h2>
      {choose.error && <ErrorBox error={choose.error} />}
      <div className="table-scroll" tabIndex={0} role="region" aria-label={t.system.models}>
        <table><thead><tr><th>{t.system.id}</th><th>{t.system.kind}</th><th>{t.system.format}</th><th className="number">{t.system.parameters}</th><th className="number">{t.system.context}</th><th className="number">{t.system.memory}</th><th>{t.system.license}</th><th><span className="hidden">{t.system.makeDefault}</span></th></tr></thead>
          <tbody>{system.models.map((model) => (
            <tr key={model.id}>
              <td><code>{model.id}</code> {model.demo && <Badge>{t.system.demo}</Badge>} {model.remote && <Badge>{t.system.remote}</Badge>}
                {model.state !== "loaded" && model.state !== "remote" && <> <Badge>{t.system.state[model.state]}</Badge></>}
                {model.problem && <p>{model.problem}</p>}</td>
              <td>{model.kind === "language" ? t.system.language : t.system.embedding}</td><td>{model.format || "–"}</td>
              <td className="number">{model.parameters ? parameters(model.parameters) : "–"}</td><td className="number">{model.context_tokens ? t.system.tokens(count(model.context_tokens)) : "–"}</td>
              <td className="number">{model.memory_bytes ? bytes(model.memory_bytes) : "–"}</td><td>{model.license || "–"}</td>
              <td className="row-end">{model.id === system.default_model ? <Badge tone="good">{t.system.default}</Badge> : model.kind === "language" && <Button onClick={() => choose.mutate(model.id)}>{t.system.makeDefault}</Button>}</td>
            </tr>))}</tbody></table>
      </div>
    </section>
  );
}

function Providers() {
  const query = useQuery(providersQuery);
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState("");
  const drop = useMutation({
    mutationFn: (id: string) => invoke("DELETE /strata/v1/providers/{provider}", { provider: id }),
    onSuccess: () => setRemoving(""),
    onSettled: () => { void queryClient.invalidateQueries({ queryKey: ["providers"] }); void queryClient.invalidateQueries({ queryKey: ["system"] }); },
  });
  const rows = query.data?.data ?? [];
  return (
    <section><h2>{t.system.providers}</h2>
      {query.error && <ErrorBox error={query.error} />}
      {query.data && rows.length === 0 && <p className="soft">{t.system.noProviders}</p>}
      {rows.length > 0 && (
        <div className="table-scroll" tabIndex={0} role="region" aria-label={t.system.providers}><table><thead><tr><th>{t.system.id}</th><th>{t.system.url}</th><th>{t.model.model}</th><th><span className="hidden">{t.system.remove}</span></th></tr></thead>
          <tbody>{rows.map((row) => <tr key={row.id}><td><code>{row.id}</code></td><td>{row.base_url}</td><td>{row.model}</td><td className="row-end"><IconButton icon="trash" label={`${t.system.remove}: ${row.id}`} onClick={() => setRemoving(row.id)} /></td></tr>)}</tbody></table></div>)}
      <p><Button icon="plus" onClick={() => setAdding(true)}>{t.system.add}</Button></p>
      {adding && <ProviderDialog onClose={() => setAdding(false)} />}
      {removing && <Confirm title={t.system.removeTitle} what={t.system.removeWhat(removing)} action={t.system.remove} busy={drop.isPending} error={drop.error} onClose={() => setRemoving("")} onConfirm={() => drop.mutate(removing)} />}
    </section>
  );
}

export default function SystemPage() {
  const query = useQuery(systemQuery(true));
  const system = query.data;
  if (!system) return <div className="page"><PageHead title={t.system.title} />{query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : <Skeleton lines={8} />}</div>;
  const { engine, machine, index } = system;
  return (
    <div className="page">
      <PageHead title={t.system.title} what={`Strata ${system.version} · ${t.system.up} ${duration(system.uptime_s)}`} />
      <div className="facts-grid">
        <Facts title={t.system.engine} rows={[[t.system.running, count(engine.running)], [t.system.waiting, count(engine.waiting)], [t.system.embeddings, count(engine.waiting_embeddings)],
          [t.system.decode, rate(engine.decode_tokens_per_s)], [t.system.prefill, rate(engine.prefill_tokens_per_s)], [t.system.kv, percent(engine.kv_cache_used)],
          [t.system.prompt, count(engine.prompt_tokens)], [t.system.generated, count(engine.generated_tokens)], [t.system.embedded, count(engine.embedded_texts)], [t.system.memory, bytes(engine.memory_bytes)]]} />
        <Facts title={t.system.machine} rows={[[t.system.cpu, machine.cpu], [t.system.cores, count(machine.cores)], [t.system.memory, bytes(machine.memory_bytes)], [t.system.isa, machine.isa],
          [t.system.sets, machine.instruction_sets.join(", ")], [t.system.accelerators, machine.accelerators.join(", ") || t.system.noneSeen]]} />
        <Facts title={t.system.index} rows={[[t.system.chunks, count(index.chunks)], [t.system.memory, bytes(index.memory_bytes)]]} />
      </div>
      <Models system={system} />
      <Providers />
    </div>
  );
}
