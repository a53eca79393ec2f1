// Uploads outlive the page that began them: two at a time, each a file and then its place in a base.
import { useSyncExternalStore } from "react";
import { request } from "../../api/client";
import { queryClient } from "../../api/queries";
import { invoke } from "../../api/invoke";

export interface Upload { id: number; base: string; name: string; error: string | null }
let uploads: Upload[] = [], last = 0, running = 0;
const waiting: (() => Promise<void>)[] = [];
const listeners = new Set<() => void>();
const change = (next: Upload[]) => { uploads = next; listeners.forEach((listener) => listener()); };
const kAtOnce = 2;

async function send(base: string, file: File) {
  const form = new FormData();
  form.append("purpose", "assistants");
  form.append("file", file, file.name);
  const response = await request("/v1/files", { method: "POST", body: form });
  const { id } = await response.json() as { id: string };
  await invoke("POST /v1/vector_stores/{vector_store_id}/files", { vector_store_id: base }, { file_id: id });
}

function pump() {
  while (running < kAtOnce && waiting.length > 0) {
    running += 1;
    void waiting.shift()!().finally(() => { running -= 1; pump(); });
  }
}

export function upload(base: string, files: File[]) {
  for (const file of files) {
    const id = ++last;
    change([...uploads, { id, base, name: file.name, error: null }]);
    waiting.push(async () => {
      try {
        await send(base, file);
        await queryClient.invalidateQueries({ queryKey: ["documents", base] });
        void queryClient.invalidateQueries({ queryKey: ["bases"] });
        change(uploads.filter((row) => row.id !== id));
      } catch (error) {
        change(uploads.map((row) => (row.id === id ? { ...row, error: error instanceof Error ? error.message : String(error) } : row)));
      }
    });
  }
  pump();
}
export const dismiss = (id: number) => change(uploads.filter((row) => row.id !== id));
export const useUploads = () => useSyncExternalStore((listener) => { listeners.add(listener); return () => { listeners.delete(listener); }; }, () => uploads);
