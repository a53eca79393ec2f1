// What the forms of the settings share: a field with its unit and its error, and the bar that says what is not saved yet.
import { type ReactNode, useId } from "react";
import { Badge, Button } from "../../kit/kit";
import { t } from "../../text/en";

interface NumberFieldProps { label: string; name: string; text: string; changed: boolean; unit: string; sign?: string; placeholder?: string; error: string | null; hidden?: boolean; change: (text: string) => void }
export function NumberField({ label, name, text, changed, unit, sign, placeholder, error, hidden = false, change }: NumberFieldProps) {
  const id = useId();
  return (
    <div className={changed ? "setting-input changed" : "setting-input"}>
      <label htmlFor={id} className={hidden ? "hidden" : undefined}>{label}</label>
      <span className="with-unit">
        {sign && <span aria-hidden="true">{sign}</span>}
        <input id={id} name={name} inputMode="decimal" autoComplete="off" value={text} placeholder={placeholder} aria-invalid={error !== null} aria-describedby={error ? `${id}-error` : undefined} onChange={(event) => change(event.target.value)} />
        <span>{unit}</span>
      </span>
      {error && <small id={`${id}-error`} className="bad-text">{error}</small>}
    </div>
  );
}

export function SaveBar({ count, busy, blocked, discard, children }: { count: number; busy: boolean; blocked: boolean; discard: () => void; children?: ReactNode }) {
  return (
    <div className={count > 0 ? "save-bar dirty" : "save-bar"}>
      <Button look="primary" type="submit" disabled={count === 0 || busy || blocked}>{t.settings.save}</Button>
      {count > 0 && <Button onClick={discard}>{t.settings.discard}</Button>}
      {children}
      <span className="soft" role="status">{count > 0 ? t.settings.unsaved(count) : t.settings.clean}</span>
    </div>
  );
}

export function Source({ source, simulated }: { source: string; simulated: boolean }) {
  return <><Badge tone={source === "entered" ? "busy" : "neutral"}>{t.settings.sources[source] ?? source}</Badge>{simulated && <> <Badge>{t.settings.simulated}</Badge></>}</>;
}
