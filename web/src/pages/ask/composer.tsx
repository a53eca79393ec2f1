import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { stop, useStream } from "../../api/chat";
import type { Base } from "../../api/types";
import { Button } from "../../kit/kit";
import { t } from "../../text/en";
import { Completions, useCompletions } from "./autocomplete";

// What is typed survives a reload: one draft per conversation.
const draftKey = (conversation: string) => `strata.draft.${conversation || "new"}`;
export function saveDraft(conversation: string, text: string) {
  if (text) localStorage.setItem(draftKey(conversation), text);
  else localStorage.removeItem(draftKey(conversation));
}

// Puts a text into the composer from elsewhere on the page.
const fillEvent = "strata:fill-composer";
export const fillComposer = (text: string) => window.dispatchEvent(new CustomEvent(fillEvent, { detail: text }));

interface Props { conversation: string; bases: Base[]; base: string; onBase: (base: string | null) => void; onSend: (content: string) => Promise<void> }

export function Composer({ conversation, bases, base, onBase, onSend }: Props) {
  const [text, setText] = useState(() => localStorage.getItem(draftKey(conversation)) ?? "");
  const [sending, setSending] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const stream = useStream(conversation);
  const busy = stream?.state === "waiting" || stream?.state === "writing";
  useEffect(() => { field.current?.focus({ preventScroll: true }); }, []);
  useEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight + 2, 200)}px`;
  }, [text]);
  const change = (value: string) => { setText(value); saveDraft(conversation, value); };
  useEffect(() => {
    const fill = (event: Event) => { const value = (event as CustomEvent<string>).detail; setText(value); saveDraft(conversation, value); field.current?.focus(); };
    window.addEventListener(fillEvent, fill);
    return () => window.removeEventListener(fillEvent, fill);
  }, [conversation]);
  const completions = useCompletions(text, base === "none" ? [] : base ? [base] : bases.slice(0, 16).map((row) => row.id), change);
  const send = async () => {
    const content = text.trim();
    if (!content || busy || sending) return;
    setSending(true);
    change("");
    try { await onSend(content); } catch { change(content); } finally { setSending(false); }
  };
  const press = (event: KeyboardEvent) => {
    if (completions.press(event)) return;
    if (event.key === "Escape" && busy) stop(conversation);
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    void send();
  };
  return (
    <form className="composer" onSubmit={(event) => { event.preventDefault(); void send(); }}>
      <Completions {...completions} />
      <textarea ref={field} {...completions.attributes} data-main-field rows={1} value={text} maxLength={32000} placeholder={t.ask.placeholder} aria-label={t.ask.composer} onChange={(event) => change(event.target.value)} onKeyDown={press} />
      <div className="composer-foot">
        <label className="picker"><span>{t.ask.where}</span>
          <select value={base} onChange={(event) => onBase(event.target.value)}>
            <option value="">{t.ask.allBases}</option>
            {bases.map((row) => <option key={row.id} value={row.id}>{row.name || row.id}</option>)}
            <option value="none">{t.ask.noBase}</option>
          </select>
        </label>
        <small className="composer-hint">{t.ask.hint}</small>
        {busy ? <Button icon="stop" onClick={() => stop(conversation)}>{t.ask.stop}</Button>
          : <Button look="primary" icon="send" type="submit" disabled={!text.trim()}>{t.ask.send}</Button>}
      </div>
    </form>
  );
}
