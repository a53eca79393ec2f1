import { useEffect } from "react";
import { Dialog } from "./kit/dialog";
import { navigate } from "./router";
import { t } from "./text/en";

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
const goals: Record<string, string> = { a: "/ask", k: "/knowledge", s: "/search", t: "/traces", d: "/drafts", q: "/queue", e: "/settings", f: "/flows", b: "/agents", m: "/teams", o: "/tools", r: "/runs", i: "/inbox", y: "/system" };

// J and K walk through the links or buttons of the page's main list.
function step(by: number) {
  const items = [...document.querySelectorAll<HTMLElement>("[data-list] [data-item]")];
  if (items.length === 0) return;
  const at = items.indexOf(document.activeElement as HTMLElement);
  items[Math.min(items.length - 1, Math.max(0, at + by))]?.focus();
}

export function useKeys(open: (dialog: "keys" | "palette") => void) {
  useEffect(() => {
    let afterG = 0;
    const press = (event: KeyboardEvent) => {
      const key = event.key.toLowerCase();
      if ((event.ctrlKey || event.metaKey) && key === "k") { event.preventDefault(); open("palette"); return; }
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
      const goal = goals[key];
      if (goal && event.timeStamp - afterG < 1_000) { afterG = 0; navigate(goal); return; }
      afterG = key === "g" ? event.timeStamp : 0;
      if (event.key === "?") open("keys");
      else if (key === "n") navigate("/ask");
      else if (key === "j") step(1);
      else if (key === "k") step(-1);
      else if (key === "/") document.querySelector<HTMLElement>("[data-main-field]")?.focus();
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [open]);
}

export function KeysDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={t.keys.title} onClose={onClose}>
      <dl className="keys">{t.keys.list.map(([key, what]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div>)}</dl>
    </Dialog>
  );
}
