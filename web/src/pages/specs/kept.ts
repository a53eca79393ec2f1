// What is typed and not yet a version, in this browser: a reload or a lost connection takes nothing away.
import type { SpecValue } from "../../api/types";

export interface Kept {
  source: "form" | "yaml";   // which side was typed in last: that side is the truth, the other follows
  value: SpecValue | null;
  text: string;
  base: number;              // the version that it started from
  revision: number;          // the server's draft seen last; 0: none
}

const key = (product: string) => `strata.spec.${product}`;

export function readKept(product: string, storage: Pick<Storage, "getItem"> = localStorage): Kept | null {
  try {
    const kept = JSON.parse(storage.getItem(key(product)) ?? "null") as Kept | null;
    return kept && typeof kept.text === "string" && (kept.source === "form" || kept.source === "yaml") ? kept : null;
  } catch { return null; }
}
export function keep(product: string, kept: Kept, storage: Pick<Storage, "setItem"> = localStorage) {
  try { storage.setItem(key(product), JSON.stringify(kept)); } catch { /* full or forbidden: the server's draft remains */ }
}
export function forget(product: string, storage: Pick<Storage, "removeItem"> = localStorage) {
  try { storage.removeItem(key(product)); } catch { /* nothing was kept either */ }
}
