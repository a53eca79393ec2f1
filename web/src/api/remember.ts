// What is typed survives a reload and a lost connection: kept on this device until it has arrived.
import { useState } from "react";

const key = (name: string) => `strata.typed.${name}`;
export const remembered = (name: string) => localStorage.getItem(key(name));
export function remember(name: string, text: string | null) {
  if (text) localStorage.setItem(key(name), text);
  else localStorage.removeItem(key(name));
}

export function useTyped(name: string, initial = ""): [string, (text: string) => void, () => void] {
  const [text, setText] = useState(() => remembered(name) ?? initial);
  const change = (next: string) => { setText(next); remember(name, next); };
  const forget = () => { setText(""); remember(name, null); };
  return [text, change, forget];
}
