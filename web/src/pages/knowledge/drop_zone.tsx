import { type DragEvent, useRef, useState } from "react";
import { Button, IconButton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { t } from "../../text/en";
import { dismiss, upload, useUploads } from "./uploads";

export function DropZone({ target }: { target: () => Promise<string> | string }) {
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const take = async (list: FileList | null) => {
    const files = [...(list ?? [])];
    if (files.length === 0) return;
    try { upload(await target(), files); } catch (error) { toast(error instanceof Error ? error.message : String(error)); }
  };
  const drop = (event: DragEvent) => { event.preventDefault(); setOver(false); void take(event.dataTransfer.files); };
  return (
    <div className={over ? "drop over" : "drop"} onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={drop}>
      <p>{t.knowledge.drop} <Button icon="upload" onClick={() => input.current?.click()}>{t.knowledge.choose}</Button></p>
      <small>{t.knowledge.formats}</small>
      <input ref={input} type="file" multiple hidden aria-label={t.knowledge.choose} accept=".md,.markdown,.txt,.html,.htm,.pdf,.docx,.text,.log,.csv" onChange={(event) => { void take(event.target.files); event.target.value = ""; }} />
    </div>
  );
}

export function UploadList({ base }: { base: string }) {
  const rows = useUploads().filter((row) => row.base === base);
  if (rows.length === 0) return null;
  return (
    <ul className="uploads">
      {rows.map((row) => (
        <li key={row.id} role={row.error ? "alert" : "status"}>
          {row.error ? <><span className="bad-text">{t.knowledge.uploadFailed(row.name)}: {row.error}</span><IconButton icon="close" label={t.common.close} onClick={() => dismiss(row.id)} /></>
            : <span>{t.knowledge.uploading(row.name)} …</span>}
        </li>))}
    </ul>
  );
}
