// The tree with its bars. Arrow keys as in any tree: up and down walk, right opens, left closes or goes to the parent.
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { milliseconds } from "../../format/format";
import { Badge } from "../../kit/kit";
import { Icon } from "../../kit/icons";
import { t } from "../../text/en";
import { type Branch, everyBranch, matches, sortOf, visible } from "./trace_tree";

interface RowProps { branch: Branch; chosen: boolean; closed: boolean; dim: boolean; tabbable: boolean; choose: () => void; toggle: () => void }
function Row({ branch, chosen, closed, dim, tabbable, choose, toggle }: RowProps) {
  const { span, children } = branch;
  const sort = sortOf(span);
  return (
    <li role="treeitem" data-item data-span={span.id} tabIndex={tabbable ? 0 : -1} aria-level={branch.depth + 1} aria-selected={chosen} aria-expanded={children.length > 0 ? !closed : undefined}
      className={`span-row${dim ? " dim" : ""}`} onClick={choose} onFocus={choose}>
      <span className="span-name" style={{ paddingLeft: `${Math.min(branch.depth, 12) * 16}px` }}>
        <span className={children.length > 0 ? "span-toggle" : "span-toggle none"} onClick={(event) => { event.stopPropagation(); toggle(); }}><Icon name={closed ? "right" : "down_small"} size={12} /></span>
        <span className="span-text">{span.name}</span><span className="hidden">, {t.traces.sorts[sort]}, </span>
        {span.error ? <Badge tone="bad">{t.traces.failed}</Badge> : closed && branch.failedInside && <Badge tone="bad">{t.traces.failedInside}</Badge>}
      </span>
      <span className="span-track" aria-hidden="true"><span className={`span-bar ${sort}${span.error ? " bad" : ""}`} style={{ left: `${branch.offset * 100}%`, width: `max(2px, ${branch.width * 100}%)` }} /></span>
      <span className="span-time">{milliseconds(span.duration_ms)}</span>
    </li>
  );
}

interface Props { trees: Branch[]; chosen: string; choose: (id: string) => void; find: string; whole_ms: number }
export function Timeline({ trees, chosen, choose, find, whole_ms }: Props) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const list = useRef<HTMLUListElement>(null);
  const rows = visible(trees, closed);
  const at = Math.max(0, rows.findIndex((branch) => branch.span.id === chosen));
  const toggle = (id: string, close = !closed.has(id)) => { const next = new Set(closed); if (close) next.add(id); else next.delete(id); setClosed(next); };
  const focus = (id: string | undefined) => { if (id !== undefined) list.current?.querySelector<HTMLElement>(`[data-span="${CSS.escape(id)}"]`)?.focus(); };
  // What is chosen by the address is opened, wherever it is.
  useEffect(() => {
    const inside = (branch: Branch): boolean => branch.span.id === chosen || branch.children.some(inside);
    setClosed((before) => { const open = everyBranch(trees).filter((branch) => before.has(branch.span.id) && branch.span.id !== chosen && inside(branch)); return open.length === 0 ? before : new Set([...before].filter((id) => !open.some((branch) => branch.span.id === id))); });
  }, [trees, chosen]);
  const press = (event: KeyboardEvent) => {
    const row = rows[at];
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const id = row.span.id, isClosed = closed.has(id), inner = row.children.length > 0;
    if (event.key === "ArrowDown") focus(rows[at + 1]?.span.id);
    else if (event.key === "ArrowUp") focus(rows[at - 1]?.span.id);
    else if (event.key === "Home") focus(rows[0]?.span.id);
    else if (event.key === "End") focus(rows[rows.length - 1]?.span.id);
    else if (event.key === "ArrowRight" && inner) { if (isClosed) toggle(id, false); else focus(row.children[0]?.span.id); }
    else if (event.key === "ArrowLeft") { if (inner && !isClosed) toggle(id, true); else focus(row.span.parent_id ?? undefined); }
    else return;
    event.preventDefault();
  };
  return (
    <div className="timeline">
      <div className="span-row span-scale" aria-hidden="true"><span className="span-name">{t.traces.span}</span><span className="span-ticks">{[0, 0.25, 0.5, 0.75, 1].map((part) => <span key={part}>{milliseconds(whole_ms * part)}</span>)}</span><span className="span-time">{t.traces.time}</span></div>
      <ul ref={list} role="tree" data-list aria-label={t.traces.timeline} onKeyDown={press}>
        {rows.map((branch, index) => (
          <Row key={branch.span.id} branch={branch} chosen={branch.span.id === chosen} closed={closed.has(branch.span.id)} dim={find !== "" && !matches(branch.span, find)} tabbable={index === at}
            choose={() => choose(branch.span.id)} toggle={() => toggle(branch.span.id)} />))}
      </ul>
    </div>
  );
}
