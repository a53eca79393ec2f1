// The spec being written: form and YAML side by side, each change kept in this browser at once and on the server a moment later.
//
// typing → state and localStorage, at once → after a pause: POST /specs/check (problems, and the other side) → PUT …/spec/draft.
// One saving at a time. A lost connection is tried again; another writer's draft stops the saving until a person chooses.
import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError } from "../../api/client";
import { queryClient, specQuery } from "../../api/queries";
import { invoke } from "../../api/invoke";
import type { SpecChecked, SpecDetail, SpecDraft, SpecValue } from "../../api/types";
import { forget, keep, readKept, type Kept } from "./kept";
import { tidied } from "./spec_value";

export type Saving = "clean" | "waiting" | "saved" | "lost" | "conflict";
const pauseMs = 500, againMs = 2_000;

function start(detail: SpecDetail): { kept: Kept; saving: Saving } {
  const local = readKept(detail.id);
  if (local) return { kept: local, saving: "waiting" };
  const draft = detail.draft;
  return { kept: { source: "yaml", value: null, text: draft?.text ?? detail.text ?? "", base: draft?.base_version ?? detail.latest, revision: draft?.revision ?? 0 }, saving: draft ? "saved" : "clean" };
}

const bodyOf = (kept: Kept) => (kept.source === "form" ? { spec: tidied(kept.value ?? {}) } : { text: kept.text });
const sameTyping = (a: Kept, b: Kept) => a.source === b.source && (a.source === "form" ? a.value === b.value : a.text === b.text);

export function useSpecDraft(detail: SpecDetail) {
  const product = detail.id;
  const [first] = useState(() => start(detail));
  const [kept, setKept] = useState(first.kept);
  const [checked, setChecked] = useState<SpecChecked | null>(null);
  const [saving, setSaving] = useState(first.saving);
  const [round, setRound] = useState(0);
  const now = useRef(kept), state = useRef(saving), sent = useRef(""), queue = useRef(Promise.resolve());

  const move = useCallback((next: Saving) => { state.current = next; setSaving(next); }, []);
  const set = useCallback((next: Kept) => { now.current = next; setKept(next); }, []);
  const type = useCallback((next: Kept) => {
    set(next);
    keep(product, next);
    if (state.current !== "conflict") move("waiting");
    setRound((count) => count + 1);
  }, [move, product, set]);

  const follow = useCallback(async () => {
    const asked = now.current;
    const answer = await invoke("POST /strata/v1/specs/check", {}, bodyOf(asked));
    if (!sameTyping(now.current, asked)) return;
    setChecked(answer);
    if (asked.source === "form") set({ ...asked, text: answer.text });
    else if (answer.value && !Array.isArray(answer.value) && typeof answer.value === "object") set({ ...asked, value: answer.value });
  }, [set]);

  const save = useCallback(async () => {
    const asked = now.current;
    const write = (revision: number) => invoke("PUT /strata/v1/products/{product_id}/spec/draft", { product_id: product }, { text: asked.text, base_version: asked.base, revision });
    let draft: SpecDraft;
    try {
      draft = await write(asked.revision);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "version_conflict") throw error;
      // The answer to an earlier saving of ours may have been lost on the way: then the draft that stands is our own.
      const stands = (await invoke("GET /strata/v1/products/{product_id}/spec", { product_id: product })).draft;
      if (!stands || stands.text !== sent.current) throw error;
      draft = await write(stands.revision);
    } finally { sent.current = asked.text; }
    // Whoever opens this spec again in this window starts from here.
    queryClient.setQueryData(specQuery(product).queryKey, (row) => row && { ...row, draft });
    const whole = sameTyping(now.current, asked);
    set({ ...now.current, revision: draft.revision });
    if (whole) { forget(product); move("saved"); } else keep(product, now.current);
  }, [move, product, set]);

  const flush = useCallback(() => {
    queue.current = queue.current.then(async () => {
      try {
        await follow();
        if (state.current === "waiting" || state.current === "lost") await save();
      } catch (error) {
        if (error instanceof ApiError && error.code === "version_conflict") move("conflict");
        else if (state.current !== "clean") move("lost");
      }
    });
    return queue.current;
  }, [follow, move, save]);

  useEffect(() => {
    const timer = setTimeout(() => void flush(), round === 0 ? 0 : pauseMs);
    return () => clearTimeout(timer);
  }, [round, flush]);
  useEffect(() => {
    if (saving !== "lost") return undefined;
    const timer = setInterval(() => void flush(), againMs);
    return () => clearInterval(timer);
  }, [saving, flush]);

  const keepMine = async () => {
    const row = await invoke("GET /strata/v1/products/{product_id}/spec", { product_id: product });
    move("waiting");
    type({ ...now.current, revision: row.draft?.revision ?? 0 });
  };
  const discard = async () => {
    forget(product);
    await invoke("DELETE /strata/v1/products/{product_id}/spec/draft", { product_id: product }).catch(() => undefined);
  };
  // The text as it stands when everything typed has been followed.
  const settled = async () => { await flush(); return now.current; };
  return {
    kept, checked, saving, keepMine, discard, settled, done: () => forget(product),
    typeForm: (value: SpecValue) => type({ ...now.current, source: "form", value }),
    typeText: (text: string) => type({ ...now.current, source: "yaml", text }),
  };
}
