// Who is told of events: signed posts to addresses outside.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { subscriptionsQuery } from "../../api/flow_queries";
import { invoke } from "../../api/invoke";
import { queryClient } from "../../api/queries";
import { Button, ErrorBox, Field, IconButton, Skeleton } from "../../kit/kit";
import { t } from "../../text/en";
import { SecretNote } from "./secret_note";

const known = ["run_succeeded", "run_failed", "run_cancelled", "approval_asked", "outcome_unknown"];

export function SubscriptionsView() {
  const query = useQuery(subscriptionsQuery);
  const [url, setUrl] = useState(""), [events, setEvents] = useState<readonly string[]>(["approval_asked"]), [own, setOwn] = useState("");
  const reload = () => void queryClient.invalidateQueries({ queryKey: subscriptionsQuery.queryKey });
  const add = useMutation({
    mutationFn: () => invoke("POST /strata/v1/subscriptions", {}, { url: url.trim(), events: [...events, ...own.split(/[\s,]+/).filter(Boolean)] }),
    onSuccess: () => { setUrl(""); reload(); },
  });
  const drop = useMutation({ mutationFn: (subscription: string) => invoke("DELETE /strata/v1/subscriptions/{subscription}", { subscription }), onSuccess: reload });
  const turn = (name: string) => setEvents(events.includes(name) ? events.filter((one) => one !== name) : [...events, name]);
  return (
    <section><p className="soft">{t.flows.subscriptionsWhat}</p>
      {query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : !query.data ? <Skeleton lines={3} /> : query.data.data.length > 0 && (
        <ul className="plain-list">{query.data.data.map((one) => <li key={one.id}><code>{one.url}</code> <span className="soft">{one.events.length > 0 ? one.events.join(", ") : t.flows.allEvents}</span> <IconButton icon="trash" label={t.flows.dropSubscription(one.url)} onClick={() => drop.mutate(one.id)} /></li>)}</ul>)}
      {add.data?.secret && <SecretNote secret={add.data.secret} />}
      <form className="narrow-form" onSubmit={(event) => { event.preventDefault(); add.mutate(); }}>
        <Field label={t.flows.url}>{(id) => <input id={id} type="url" required maxLength={2000} placeholder="https://example.com/events" value={url} onChange={(event) => setUrl(event.target.value)} />}</Field>
        <fieldset className="spec-set"><legend>{t.flows.events}</legend><div className="spec-choices">{known.map((name) => <label key={name} className="check"><input type="checkbox" checked={events.includes(name)} onChange={() => turn(name)} />{t.flows.eventNames[name]}</label>)}</div></fieldset>
        <Field label={t.flows.ownEvents} hint={t.flows.ownEventsWhat}>{(id) => <input id={id} value={own} placeholder="answer_saved" onChange={(event) => setOwn(event.target.value)} />}</Field>
        <Button type="submit" disabled={add.isPending || !url.trim()}>{t.flows.subscribe}</Button>
        {(add.error ?? drop.error) && <ErrorBox error={add.error ?? drop.error} />}
      </form>
    </section>
  );
}
