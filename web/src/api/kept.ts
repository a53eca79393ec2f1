// A form's changes that the server does not have yet, by field, in this browser: a reload or a lost connection takes nothing away.
import { useState } from "react";

export type Changes = Readonly<Record<string, string>>;
type Box = Pick<Storage, "getItem" | "setItem" | "removeItem">;
const key = (name: string) => `strata.form.${name}`;

export function readChanges(name: string, box: Box = localStorage): Changes {
  try {
    const kept: unknown = JSON.parse(box.getItem(key(name)) ?? "{}");
    if (typeof kept !== "object" || kept === null || Array.isArray(kept)) return {};
    return Object.fromEntries(Object.entries(kept).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
  } catch { return {}; }
}
export function keepChanges(name: string, changes: Changes, box: Box = localStorage) {
  try {
    if (Object.keys(changes).length === 0) box.removeItem(key(name));
    else box.setItem(key(name), JSON.stringify(changes));
  } catch { /* full or forbidden: what is typed lives as long as the page */ }
}

// `type(field, null)` takes one change back; `clear()` all. A field that is absent shows what the server has.
export function useChanges(name: string) {
  const [changes, setChanges] = useState(() => readChanges(name));
  const set = (next: Changes) => { setChanges(next); keepChanges(name, next); };
  const type = (field: string, text: string | null) => {
    const { [field]: _, ...rest } = changes;
    set(text === null ? rest : { ...rest, [field]: text });
  };
  return { changes, type, set, clear: () => set({}) };
}
