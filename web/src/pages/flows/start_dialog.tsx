// Starts a run: a form from the input's schema, or the same as JSON. The same dialog sent twice is one run.
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useMemo, useState } from "react";
import { reloadRuns } from "../../api/flow_queries";
import { invoke } from "../../api/invoke";
import type { JsonSchema } from "../../api/types";
import { fieldsOf, startTexts, type Texts, valueOf } from "../../format/schema_form";
import { Dialog } from "../../kit/dialog";
import { Button, ErrorBox } from "../../kit/kit";
import { SchemaForm } from "../../kit/schema_form";
import { navigate } from "../../router";
import { t } from "../../text/en";

export const freshKey = () => `web-${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;

interface Props { flow: string; version: number; input: JsonSchema; onClose: () => void }
export function StartDialog({ flow, version, input, onClose }: Props) {
  const fields = useMemo(() => fieldsOf(input), [input]);
  const [texts, setTexts] = useState<Texts>(() => startTexts(fields));
  const [tried, setTried] = useState(false);
  const [key] = useState(freshKey);
  const spelled = valueOf(fields, texts), wrong = Object.keys(spelled.problems).length > 0;
  const start = useMutation({
    mutationFn: () => invoke("POST /strata/v1/flows/{flow}/runs", { flow }, { input: spelled.value, version, key }),
    onSuccess: (run) => { void reloadRuns(); navigate(`/runs/${encodeURIComponent(run.id)}`); },
  });
  const submit = (event: FormEvent) => { event.preventDefault(); setTried(true); if (!wrong) start.mutate(); };
  return (
    <Dialog title={t.flows.startTitle(flow, version)} onClose={onClose}>
      <form onSubmit={submit} onKeyDown={(event) => { if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) event.currentTarget.requestSubmit(); }}>
        <SchemaForm fields={fields} texts={texts} problems={tried ? spelled.problems : {}} change={(name, text) => setTexts({ ...texts, [name]: text })} />
        {start.error && <ErrorBox error={start.error} />}
        <footer className="dialog-foot"><Button onClick={onClose}>{t.common.cancel}</Button><Button look="primary" type="submit" disabled={start.isPending}>{t.flows.start}</Button></footer>
      </form>
    </Dialog>
  );
}
