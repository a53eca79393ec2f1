// The head of one agent or team: its name, what it is, and its views.
import type { ReactNode } from "react";
import { type Kind, placeOf } from "../../api/agent_queries";
import type { KeptRow } from "../../api/types";
import { Ago, PageHead } from "../../kit/kit";
import { Link, useParam } from "../../router";
import { t } from "../../text/en";

export type View = "chat" | "text" | "memory" | "runs";
export const viewOf = (views: readonly View[], wanted: string): View => views.find((name) => name === wanted) ?? "chat";

export function KeptTabs({ kind, views, view }: { kind: Kind; views: readonly View[]; view: View }) {
  const [, setView] = useParam("view");
  return <div className="tabs" role="group" aria-label={t.kept.view}>{views.map((name) => <button key={name} type="button" aria-pressed={name === view} onClick={() => setView(name === "chat" ? null : name)}>{t.kept[kind].views[name]}</button>)}</div>;
}

interface Props { kind: Kind; kept: KeptRow; pattern: string | undefined; small: boolean; children: ReactNode }
export function KeptHead({ kind, kept, pattern, small, children }: Props) {
  const what = <>{kept.description || (pattern && t.kept.patterns[pattern])}{!small && <><br />{t.kept.version(kept.version)}, <Ago at={kept.created_at} />{kept.why && `: ${kept.why}`}</>}</>;
  return (
    <div className="kept-head">
      <p className="crumbs"><Link to={placeOf(kind)}>{t.kept[kind].title}</Link></p>
      <PageHead title={kept.name} what={what} />
      {children}
    </div>
  );
}
