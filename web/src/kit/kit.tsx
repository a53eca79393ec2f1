// The small parts that every page is made of.
import { type ButtonHTMLAttributes, type ReactNode, useId } from "react";
import { ApiError } from "../api/client";
import { ago, exact } from "../format/format";
import { t } from "../text/en";
import { Icon, type IconName } from "./icons";

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & { look?: "plain" | "primary" | "danger" | "quiet"; icon?: IconName };
export function Button({ look = "plain", icon, children, className = "", ...rest }: ButtonProps) {
  return <button type="button" className={`button ${look} ${className}`} {...rest}>{icon && <Icon name={icon} size={16} />}{children}</button>;
}

export function IconButton({ icon, label, className = "", ...rest }: ButtonHTMLAttributes<HTMLButtonElement> & { icon: IconName; label: string }) {
  return <button type="button" className={`icon-button ${className}`} aria-label={label} title={label} {...rest}><Icon name={icon} /></button>;
}

export function Field({ label, hint, children }: { label: string; hint?: string; children: (id: string) => ReactNode }) {
  const id = useId();
  return <div className="field"><label htmlFor={id}>{label}</label>{children(id)}{hint && <small>{hint}</small>}</div>;
}

export function Badge({ tone = "neutral", children, title }: { tone?: "neutral" | "good" | "bad" | "busy"; children: ReactNode; title?: string }) {
  return <span className={`badge ${tone}`} title={title}>{children}</span>;
}

export function Empty({ title, what, children }: { title: string; what?: string; children?: ReactNode }) {
  return <div className="empty"><h2>{title}</h2>{what && <p>{what}</p>}{children}</div>;
}

export function Skeleton({ lines = 3 }: { lines?: number }) {
  return (
    <div className="skeleton" role="status" aria-label={t.common.loading}>
      {Array.from({ length: lines }, (_, line) => <span key={line} style={{ width: `${92 - ((line * 17) % 40)}%` }} />)}
    </div>
  );
}

export function Ago({ at }: { at: number }) {
  return <time dateTime={new Date(at * 1000).toISOString()} title={exact(at)}>{ago(at)}</time>;
}

export function ErrorBox({ error, retry }: { error: unknown; retry?: () => void }) {
  const message = error instanceof Error ? error.message : String(error);
  const requestId = error instanceof ApiError ? error.requestId : "";
  return (
    <div className="error-box" role="alert">
      <strong>{t.error.title}</strong>
      <p>{message}</p>
      {requestId && <p><code>{t.common.requestId(requestId)}</code></p>}
      {retry && <Button icon="again" onClick={retry}>{t.common.retry}</Button>}
    </div>
  );
}

export function Progress({ done, total, label }: { done: number; total: number; label: string }) {
  return <progress max={total > 0 ? total : undefined} value={total > 0 ? done : undefined} aria-label={label} />;
}

export function PageHead({ title, what, children }: { title: ReactNode; what?: ReactNode; children?: ReactNode }) {
  return <header className="page-head"><div><h1>{title}</h1>{what && <p>{what}</p>}</div><div className="page-actions">{children}</div></header>;
}
