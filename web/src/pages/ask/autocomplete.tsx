// Completes what is typed: questions that were answered here before, and headings of the documents. Nothing is chosen until someone
// goes down to it, so Enter sends as ever.
import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useEffect, useId, useState } from "react";
import { suggestionsQuery } from "../../api/queries";
import { t } from "../../text/en";

const waitMs = 180;        // after the last key
const charactersMost = 80; // a longer text is a question already

export interface Completion { text: string; what: string; fill: string }

function useSettled(text: string): string {
  const [settled, setSettled] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), waitMs);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

export function useCompletions(text: string, bases: string[], onFill: (text: string) => void) {
  const list = useId();
  const [chosen, setChosen] = useState(-1);
  const [closed, setClosed] = useState("");
  const settled = useSettled(text.trim());
  const wanted = settled.length >= 2 && settled.length <= charactersMost && !settled.includes("\n") && closed !== text;
  const found = useQuery({ ...suggestionsQuery(settled, bases), enabled: wanted }).data;
  const shown: Completion[] = !wanted || !found || settled !== text.trim() ? [] : [
    ...found.questions.slice(0, 4).map((question) => ({ text: question, what: t.answers.asked, fill: question })),
    ...found.headings.slice(0, 4).map((heading) => ({ text: heading.heading, what: t.answers.heading(heading.title), fill: t.answers.about(heading.heading) }))];
  const at = Math.min(chosen, shown.length - 1);
  const take = (completion: Completion) => { setClosed(completion.fill); setChosen(-1); onFill(completion.fill); };
  // Whether the key was for the list.
  const press = (event: KeyboardEvent): boolean => {
    if (shown.length === 0 || event.nativeEvent.isComposing) return false;
    if (event.key === "ArrowDown") setChosen(Math.min(shown.length - 1, at + 1));
    else if (event.key === "ArrowUp" && at >= 0) setChosen(at - 1);
    else if (event.key === "Enter" && !event.shiftKey && at >= 0) take(shown[at]!);
    else if (event.key === "Escape") { setClosed(text); setChosen(-1); }
    else return false;
    event.preventDefault();
    return true;
  };
  return { list, shown, at, press, take, attributes: { "aria-autocomplete": "list" as const, "aria-controls": shown.length > 0 ? list : undefined, "aria-activedescendant": at >= 0 ? `${list}-${at}` : undefined } };
}

export function Completions({ list, shown, at, take }: Pick<ReturnType<typeof useCompletions>, "list" | "shown" | "at" | "take">) {
  if (shown.length === 0) return null;
  return (
    <ul id={list} role="listbox" aria-label={t.answers.autocomplete} className="completions">
      {shown.map((completion, index) => (
        <li key={`${completion.what}:${completion.text}`} id={`${list}-${index}`} role="option" aria-selected={index === at} onMouseDown={(event) => event.preventDefault()} onClick={() => take(completion)}>
          <span>{completion.text}</span><small>{completion.what}</small>
        </li>))}
    </ul>
  );
}
