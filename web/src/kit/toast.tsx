import { useSyncExternalStore } from "react";
interface Note { id: number; text: string }
let notes: Note[] = [], last = 0;
const listeners = new Set<() => void>();
const change = (next: Note[]) => { notes = next; listeners.forEach((listener) => listener()); };

export function toast(text: string) {
  const id = ++last;
  change([...notes, { id, text }].slice(-3));
  setTimeout(() => change(notes.filter((note) => note.id !== id)), 5_000);
}
export function Toasts() {
  const shown = useSyncExternalStore((listener) => { listeners.add(listener); return () => { listeners.delete(listener); }; }, () => notes);
  return <div className="toasts" role="status" aria-live="polite">{shown.map((note) => <div key={note.id} className="toast">{note.text}</div>)}</div>;
}
