import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { forget } from "../../api/chat";
import { call, remove } from "../../api/client";
import { conversationsQuery, queryClient } from "../../api/queries";
import type { Conversation } from "../../api/types";
import { Confirm, Dialog } from "../../kit/dialog";
import { Ago, Button, ErrorBox, Field, IconButton, Skeleton } from "../../kit/kit";
import { Link, navigate } from "../../router";
import { t } from "../../text/en";

const changed = () => queryClient.invalidateQueries({ queryKey: ["conversations"] });

function Rename({ row, onClose }: { row: Conversation; onClose: () => void }) {
  const [title, setTitle] = useState(row.title);
  const rename = useMutation({ mutationFn: () => call("PATCH", `/strata/v1/conversations/${row.id}`, { title: title.trim() }), onSuccess: () => { void changed(); onClose(); } });
  const submit = (event: FormEvent) => { event.preventDefault(); if (title.trim()) rename.mutate(); };
  return (
    <Dialog title={t.ask.renameTitle} onClose={onClose}>
      <form onSubmit={submit}>
        <Field label={t.ask.name}>{(id) => <input id={id} value={title} maxLength={200} onChange={(event) => setTitle(event.target.value)} />}</Field>
        {rename.error && <ErrorBox error={rename.error} />}
        <footer className="dialog-foot"><Button onClick={onClose}>{t.common.cancel}</Button><Button look="primary" type="submit" disabled={!title.trim() || rename.isPending}>{t.common.save}</Button></footer>
      </form>
    </Dialog>
  );
}

function Delete({ row, current, onClose }: { row: Conversation; current: boolean; onClose: () => void }) {
  const drop = useMutation({
    mutationFn: () => remove(`/strata/v1/conversations/${row.id}`),
    onSuccess: () => { forget(row.id); void changed(); onClose(); if (current) navigate("/ask", { replace: true }); },
  });
  return <Confirm title={t.ask.deleteTitle} what={t.ask.deleteWhat(row.title || t.ask.untitled)} action={t.common.delete} busy={drop.isPending} error={drop.error} onClose={onClose} onConfirm={() => drop.mutate()} />;
}

export function ConversationList({ current }: { current: string }) {
  const list = useQuery(conversationsQuery);
  const [open, setOpen] = useState(false);
  const [acting, setActing] = useState<{ row: Conversation; act: "rename" | "delete" } | null>(null);
  return (
    <aside className={open ? "conversations open" : "conversations"} aria-label={t.ask.conversations}>
      <div className="conversations-head">
        <Link to="/ask" className="button" onClick={() => setOpen(false)}>+ {t.ask.fresh}</Link>
        <Button className="conversations-toggle" look="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>{t.ask.conversations}</Button>
      </div>
      <div className="conversations-body">
        {list.isPending && <Skeleton lines={4} />}
        {list.error && !list.data && <ErrorBox error={list.error} retry={() => void list.refetch()} />}
        {list.data?.data.length === 0 && <p className="soft">{t.ask.none}</p>}
        <ul data-list>
          {list.data?.data.map((row) => (
            <li key={row.id} className={row.id === current ? "current" : ""}>
              <Link data-item to={`/ask/${row.id}`} aria-current={row.id === current ? "page" : undefined} onClick={() => setOpen(false)}><span>{row.title || t.ask.untitled}</span><small><Ago at={row.updated_at} /></small></Link>
              <span className="row-actions">
                <IconButton icon="edit" label={`${t.common.rename}: ${row.title || t.ask.untitled}`} onClick={() => setActing({ row, act: "rename" })} />
                <IconButton icon="trash" label={`${t.common.delete}: ${row.title || t.ask.untitled}`} onClick={() => setActing({ row, act: "delete" })} />
              </span>
            </li>))}
        </ul>
      </div>
      {acting?.act === "rename" && <Rename row={acting.row} onClose={() => setActing(null)} />}
      {acting?.act === "delete" && <Delete row={acting.row} current={acting.row.id === current} onClose={() => setActing(null)} />}
    </aside>
  );
}
