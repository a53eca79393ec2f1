import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { invoke } from "../../api/invoke";
import { answerQuery, queryClient } from "../../api/queries";
import type { Rating } from "../../api/types";
import { Dialog } from "../../kit/dialog";
import { Button, ErrorBox, Field, IconButton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { t } from "../../text/en";

interface Vote { rating: Rating; reasons: string[]; comment: string }

function useVote(answer: string) {
  return useMutation({
    mutationFn: (vote: Vote) => invoke("POST /strata/v1/answers/{answer}/feedback", { answer }, vote),
    onSuccess: () => { void queryClient.invalidateQueries({ queryKey: ["answer", answer] }); void queryClient.invalidateQueries({ queryKey: ["conversation"] }); },
  });
}

function Reasons({ answer, rating, stored, onDone }: { answer: string; rating: "up" | "down"; stored: Vote; onDone: () => void }) {
  const [reasons, setReasons] = useState(stored.reasons);
  const [comment, setComment] = useState(stored.comment);
  const vote = useVote(answer);
  const flip = (reason: string) => setReasons(reasons.includes(reason) ? reasons.filter((other) => other !== reason) : [...reasons, reason]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    vote.mutate({ rating, reasons, comment }, { onSuccess: () => { toast(t.feedback.saved); onDone(); } });
  };
  return (
    <form className="reasons" onSubmit={submit}>
      <fieldset><legend>{rating === "down" ? t.feedback.what : t.feedback.good}</legend>
        {t.feedback[rating].map((reason) => <label key={reason} className="reason"><input type="checkbox" checked={reasons.includes(reason)} onChange={() => flip(reason)} />{reason}</label>)}
      </fieldset>
      <Field label={t.feedback.comment}>{(id) => <textarea id={id} rows={2} maxLength={1000} value={comment} onChange={(event) => setComment(event.target.value)} />}</Field>
      {vote.error && <ErrorBox error={vote.error} />}
      <Button type="submit" look="primary" disabled={vote.isPending}>{t.feedback.send}</Button> <Button look="quiet" onClick={onDone}>{t.common.close}</Button>
    </form>
  );
}

function Issue({ answer, onClose }: { answer: string; onClose: () => void }) {
  const [category, setCategory] = useState<string>(t.issue.categories[0][0]);
  const [comment, setComment] = useState("");
  const report = useMutation({ mutationFn: () => invoke("POST /strata/v1/answers/{answer}/issues", { answer }, { category, comment }), onSuccess: () => { toast(t.issue.sent); onClose(); } });
  return (
    <Dialog title={t.issue.title} onClose={onClose}>
      <form onSubmit={(event) => { event.preventDefault(); report.mutate(); }}>
        <p>{t.issue.what}</p>
        <Field label={t.issue.category}>{(id) => <select id={id} value={category} onChange={(event) => setCategory(event.target.value)}>{t.issue.categories.map(([value, label]) => <option key={value} value={value}>{label}</option>)}</select>}</Field>
        <Field label={t.issue.comment}>{(id) => <textarea id={id} rows={4} maxLength={1000} value={comment} onChange={(event) => setComment(event.target.value)} />}</Field>
        {report.error && <ErrorBox error={report.error} />}
        <footer className="dialog-foot"><Button onClick={onClose}>{t.common.cancel}</Button><Button look="primary" type="submit" disabled={report.isPending}>{t.issue.send}</Button></footer>
      </form>
    </Dialog>
  );
}

export function Feedback({ answer, rating }: { answer: string; rating: Rating }) {
  const [open, setOpen] = useState(false);
  const [issue, setIssue] = useState(false);
  const stored = useQuery({ ...answerQuery(answer), enabled: rating !== "none" }).data?.feedback;
  const vote = useVote(answer);
  const shown = vote.isPending ? vote.variables.rating : rating;
  const rate = (wanted: "up" | "down") => {
    const next = rating === wanted ? "none" : wanted;
    vote.mutate({ rating: next, reasons: [], comment: "" }, { onSuccess: () => setOpen(next !== "none") });
  };
  return (
    <>
      <IconButton icon="up" label={t.ask.up} aria-pressed={shown === "up"} onClick={() => rate("up")} />
      <IconButton icon="down" label={t.ask.down} aria-pressed={shown === "down"} onClick={() => rate("down")} />
      <IconButton icon="flag" label={t.ask.report} onClick={() => setIssue(true)} />
      {vote.error && <span className="bad-text" role="alert">{vote.error.message}</span>}
      {stored && rating !== "none" && !open && stored.reasons.length + stored.comment.length > 0 && (
        <button type="button" className="button quiet stored-reasons" onClick={() => setOpen(true)}>{t.feedback.reasons}: {[...stored.reasons, stored.comment].filter(Boolean).join(", ")}</button>)}
      {open && rating !== "none" && stored && <Reasons key={rating} answer={answer} rating={rating} stored={stored} onDone={() => setOpen(false)} />}
      {issue && <Issue answer={answer} onClose={() => setIssue(false)} />}
    </>
  );
}
