import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { forget } from "../../api/chat";
import { call } from "../../api/client";
import { invoke } from "../../api/invoke";
import { conversationsQuery, queryClient } from "../../api/queries";
import type { Conversation } from "../../api/types";
import { Confirm, Rename } from "../../kit/dialog";
import { Ago, Button, ErrorBox, IconButton, Skeleton } from "../../kit/kit";
import { Link, navigate } from "../../router";
import { t } from "../../text/en";

const changed = () => queryClient.invalidateQueries({ queryKey: ["conversations"] });

function RenameConversation({ row, onClose }: { row: Conversation; onClose: () => void }) {
  const rename = useMutation({ mutationFn: (title: string) => call("PATCH", `/strata/v1/conversations/${row.id}`, { title }), onSuccess: () => { void changed(); onClose(); } });
  return <Rename title={t.ask.renameTitle} name={row.title} busy={rename.isPending} error={rename.error} onClose={onClose} onRename={(title) => rename.mutate(title)} />;
}

function Delete({ row, current, onClose }: { row: Conversation; current: boolean; onClose: () => void }) {
  const drop = useMutation({
    mutationFn: () => invoke("DELETE /strata/v1/conversations/{conversation}", { conversation: row.id }),
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
      {acting?.act === "rename" && <RenameConversation row={acting.row} onClose={() => setActing(null)} />}
      {acting?.act === "delete" && <Delete row={acting.row} current={acting.row.id === current} onClose={() => setActing(null)} />}
    </aside>
  );
}
