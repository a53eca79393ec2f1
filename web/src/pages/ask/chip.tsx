import { useId, useRef, useState } from "react";
import type { Citation } from "../../api/types";
import { whereOf } from "../../format/citations";
import { navigate, withParams } from "../../router";
import { t } from "../../text/en";

export function openSource(citation: { document_id: string; begin: number; end: number }) {
  navigate(withParams({ source: citation.document_id, begin: String(citation.begin), end: String(citation.end), why: null }));
}

const kWidth = 340;

// [1]: the quote on hover and focus, the source with the passage highlighted on click.
export function Chip({ citation }: { citation: Citation }) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const [place, setPlace] = useState<{ left: number; top?: number; bottom?: number } | null>(null);
  const show = () => {
    const box = button.current!.getBoundingClientRect();
    const left = Math.max(8, Math.min(box.left, window.innerWidth - kWidth - 8));
    setPlace(box.top > 220 ? { left, bottom: window.innerHeight - box.top + 6 } : { left, top: box.bottom + 6 });
  };
  const hide = () => setPlace(null);
  return (
    <span className="chip-place">
      <button ref={button} type="button" className="chip" aria-label={t.ask.cite(citation.number, whereOf(citation))} aria-describedby={place ? id : undefined}
        onMouseEnter={show} onMouseLeave={hide} onFocus={show} onBlur={hide} onKeyDown={(event) => { if (event.key === "Escape") hide(); }}
        onClick={() => { hide(); openSource(citation); }}>{citation.number}</button>
      {place && <span role="tooltip" id={id} className="tooltip" style={{ ...place, maxWidth: kWidth }}><q>{citation.quote}</q><small>{whereOf(citation)}</small></span>}
    </span>
  );
}
