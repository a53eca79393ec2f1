import { useMutation, useQuery } from "@tanstack/react-query";
import { invoke } from "../../api/invoke";
import { queryClient, scheduleQuery } from "../../api/queries";
import type { Product, UpdateSchedule } from "../../api/types";
import { exact } from "../../format/format";
import { clock, nextRun } from "../../format/schedule";
import { ErrorBox, Field, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { Link } from "../../router";
import { t } from "../../text/en";

const hours = Array.from({ length: 24 }, (_, hour) => hour);

export function ScheduleView({ product }: { product: Product }) {
  const query = useQuery(scheduleQuery(product.id));
  const change = useMutation({
    mutationFn: (changes: Partial<UpdateSchedule>) => invoke("PATCH /strata/v1/products/{product}/schedule", { product: product.id }, changes),
    onMutate: (changes) => { queryClient.setQueryData(scheduleQuery(product.id).queryKey, (before) => before && { ...before, ...changes }); },
    onSuccess: () => toast(t.settings.saved),
    onSettled: () => void queryClient.invalidateQueries({ queryKey: ["schedule", product.id] }),
  });
  const schedule = query.data;
  if (query.error) return <ErrorBox error={query.error} retry={() => void query.refetch()} />;
  if (!schedule) return <Skeleton lines={4} />;
  const next = nextRun(schedule, Date.now());
  return (
    <section className="settings-form">
      <p className="soft">{t.settings.scheduleWhat}</p>
      <label className="check"><input type="checkbox" checked={schedule.enabled} onChange={(event) => change.mutate({ enabled: event.target.checked })} />{t.settings.enabled}</label>
      <div className="enter-one">
        <Field label={t.settings.day}>{(id) => <select id={id} value={schedule.weekday} disabled={!schedule.enabled} onChange={(event) => change.mutate({ weekday: Number(event.target.value) })}>{t.reports.days.map((day, index) => <option key={day} value={index + 1}>{day}</option>)}</select>}</Field>
        <Field label={t.settings.hour}>{(id) => <select id={id} value={schedule.hour} disabled={!schedule.enabled} onChange={(event) => change.mutate({ hour: Number(event.target.value) })}>{hours.map((hour) => <option key={hour} value={hour}>{clock(hour)}</option>)}</select>}</Field>
      </div>
      <p role="status">{schedule.enabled ? <>{t.settings.next(exact(next.at / 1000).replace(":00 UTC", " UTC"), next.week)} <span className="soft">{t.settings.skipped}</span></> : t.settings.off} <Link to={`/reports?product=${encodeURIComponent(product.id)}`}>{t.settings.toReports}</Link></p>
      {change.error && <ErrorBox error={change.error} />}
    </section>
  );
}
