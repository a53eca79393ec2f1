// A text with numbered lines, and marks at those that something is wrong with. Tab leaves it, as in any field.
import { useId } from "react";

export interface Mark { line: number; message: string }
interface Props { label: string; value: string; marks?: readonly Mark[]; rows?: number; onChange: (text: string) => void; onSubmit?: () => void }
export function CodeEditor({ label, value, marks = [], rows = 18, onChange, onSubmit }: Props) {
  const id = useId();
  const lines = Math.max(rows, value.split("\n").length);
  const bad = new Set(marks.map((mark) => mark.line));
  return (
    <div className="code-editor">
      <label htmlFor={id}>{label}</label>
      <div className="code-lines">
        <ol aria-hidden="true" className="code-gutter">{Array.from({ length: lines }, (_, index) => <li key={index} className={bad.has(index + 1) ? "bad" : ""}>{index + 1}</li>)}</ol>
        <div className="code-text">
          {marks.filter((mark) => mark.line > 0).map((mark) => <span key={mark.line} aria-hidden="true" className="code-mark" style={{ top: `${(mark.line - 1) * 20 + 8}px` }} />)}
          <textarea id={id} spellCheck={false} wrap="off" rows={lines} value={value} aria-invalid={marks.length > 0} aria-describedby={`${id}-wrong`} onChange={(event) => onChange(event.target.value)}
            onKeyDown={(event) => { if (event.key === "Enter" && (event.metaKey || event.ctrlKey) && onSubmit) { event.preventDefault(); onSubmit(); } }} />
        </div>
      </div>
      <p id={`${id}-wrong`} role="status" className="bad-text code-wrong">{marks.map((mark) => mark.message).join(" ")}</p>
    </div>
  );
}
