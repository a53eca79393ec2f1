// On the browser's own modal dialog: it keeps the focus inside, makes the rest inert and closes on Esc, without injecting styles.
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { t } from "../text/en";
import { Button, ErrorBox, Field, IconButton } from "./kit";

export function Dialog({ title, onClose, children, look = "box" }: { title: string; onClose: () => void; children: ReactNode; look?: "box" | "sheet" | "palette" }) {
  const element = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement as HTMLElement | null;
    if (dialog && !dialog.open) dialog.showModal();
    return () => {
      dialog?.close();
      before?.focus?.();
    };
  }, []);
  return (
    <dialog ref={element} className={`dialog ${look}`} aria-labelledby={heading} onCancel={(event) => { event.preventDefault(); onClose(); }}
      onMouseDown={(event) => { if (event.target === element.current) onClose(); }}>
      <div className="dialog-inside">
        <header className={look === "palette" ? "hidden" : "dialog-head"}><h2 id={heading}>{title}</h2>{look !== "palette" && <IconButton icon="close" label={t.common.close} onClick={onClose} />}</header>
        <div className="dialog-body">{children}</div>
      </div>
    </dialog>
  );
}

interface RenameProps { title: string; name: string; label?: string; most?: number; busy?: boolean; error?: unknown; onClose: () => void; onRename: (name: string) => void }
export function Rename({ title, name, label = t.common.name, most = 200, busy, error, onClose, onRename }: RenameProps) {
  const [text, setText] = useState(name);
  const submit = (event: FormEvent) => { event.preventDefault(); if (text.trim()) onRename(text.trim()); };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        <Field label={label}>{(id) => <input id={id} value={text} maxLength={most} onChange={(event) => setText(event.target.value)} />}</Field>
        {error ? <ErrorBox error={error} /> : null}
        <footer className="dialog-foot"><Button onClick={onClose}>{t.common.cancel}</Button><Button look="primary" type="submit" disabled={!text.trim() || busy}>{t.common.save}</Button></footer>
      </form>
    </Dialog>
  );
}

interface ConfirmProps { title: string; what: string; action: string; typed?: string; busy?: boolean; error?: unknown; onClose: () => void; onConfirm: () => void }
// Names what will be lost; with `typed`, that text must be typed first.
export function Confirm({ title, what, action, typed, busy, error, onClose, onConfirm }: ConfirmProps) {
  const [text, setText] = useState("");
  const submit = (event: FormEvent) => { event.preventDefault(); if (!typed || text === typed) onConfirm(); };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        <p>{what}</p>
        {typed && <Field label={t.knowledge.typeName(typed)}>{(id) => <input id={id} value={text} autoComplete="off" onChange={(event) => setText(event.target.value)} />}</Field>}
        {error ? <p className="bad-text" role="alert">{error instanceof Error ? error.message : String(error)}</p> : null}
        <footer className="dialog-foot"><Button onClick={onClose}>{t.common.cancel}</Button><Button type="submit" look="danger" disabled={busy || (typed !== undefined && text !== typed)}>{action}</Button></footer>
      </form>
    </Dialog>
  );
}
