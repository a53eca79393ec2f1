import { memo, useEffect, useMemo, useRef } from "react";
import type { DocumentDetail } from "../../api/types";
import { splitAtBytes } from "../../format/bytes";

interface Props { document: DocumentDetail; begin: number | null; end: number | null }

// The text as it was read, with the passage marked and scrolled to.
export const SourceView = memo(function SourceView({ document, begin, end }: Props) {
  const mark = useRef<HTMLElement>(null);
  const [before, passage, after] = useMemo(
    () => (begin === null ? [document.text, "", ""] : splitAtBytes(document.text, begin, end ?? begin)), [document.text, begin, end]);
  useEffect(() => { void mark.current?.scrollIntoView({ block: "center" }); }, [before, passage]);
  return (
    <div className="source-text" tabIndex={0} role="region" aria-label={document.title || document.filename}>
      {before}{begin !== null && <mark ref={mark}>{passage}</mark>}{after}
    </div>
  );
});

export function numberParam(value: string): number | null {
  return /^\d{1,10}$/.test(value) ? Number(value) : null;
}
