import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { invoke } from "../../api/invoke";
import { queryClient } from "../../api/queries";
import { Dialog } from "../../kit/dialog";
import { Button, ErrorBox, Field } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { t } from "../../text/en";

export default function ProviderDialog({ onClose }: { onClose: () => void }) {
  const [form, setForm] = useState({ id: "", base_url: "", model: "", key: "" });
  const [chosen, setChosen] = useState(true);
  const add = useMutation({
    mutationFn: () => invoke("POST /strata/v1/providers", {}, { ...form, default: chosen }),
    onSuccess: () => { void queryClient.invalidateQueries({ queryKey: ["system"] }); void queryClient.invalidateQueries({ queryKey: ["providers"] }); toast(t.model.added); onClose(); },
  });
  const submit = (event: FormEvent) => { event.preventDefault(); add.mutate(); };
  const input = (name: keyof typeof form, more: { type?: string; placeholder?: string } = {}) => (id: string) => (
    <input id={id} required={name !== "key"} autoComplete="off" value={form[name]} {...more} onChange={(event) => setForm({ ...form, [name]: event.target.value })} />);
  return (
    <Dialog title={t.model.title} onClose={onClose}>
      <h3>{t.model.local}</h3>
      <p>{t.model.localWhat}</p>
      <pre tabIndex={0}>{t.model.localCommand}</pre>
      <h3>{t.model.provider}</h3>
      <form onSubmit={submit}>
        <Field label={t.model.id} hint={t.model.idHint}>{input("id")}</Field>
        <Field label={t.model.url}>{input("base_url", { type: "url", placeholder: "https://api.example.com/v1" })}</Field>
        <Field label={t.model.model}>{input("model")}</Field>
        <Field label={t.model.key}>{input("key", { type: "password" })}</Field>
        <label className="check"><input type="checkbox" checked={chosen} onChange={(event) => setChosen(event.target.checked)} />{t.model.makeDefault}</label>
        {add.error && <ErrorBox error={add.error} />}
        <footer className="dialog-foot"><Button onClick={onClose}>{t.common.cancel}</Button><Button look="primary" type="submit" disabled={add.isPending}>{t.model.send}</Button></footer>
      </form>
    </Dialog>
  );
}
