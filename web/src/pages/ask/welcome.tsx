import type { Base } from "../../api/types";
import { Button, Empty } from "../../kit/kit";
import { Link } from "../../router";
import { t } from "../../text/en";

export function Welcome({ bases, onAsk }: { bases: Base[]; onAsk: (text: string) => void }) {
  const filled = bases.some((base) => base.file_counts.completed > 0);
  const debian = bases.some((base) => base.name === t.ask.debianBase);
  const examples = debian ? t.ask.debianExamples : filled ? [] : [t.ask.modelExample];
  return (
    <div className="thread welcome">
      <Empty title={t.ask.empty} what={filled ? t.ask.emptyWhat : t.ask.emptyNoBase}>
        {!filled && <Link className="button primary" to="/knowledge">{t.ask.addDocuments}</Link>}
        {examples.length > 0 && (
          <div className="examples">
            <p className="soft">{debian ? t.ask.examples : t.ask.example}</p>
            {examples.map((example) => <Button key={example} onClick={() => onAsk(example)}>{example}</Button>)}
          </div>)}
      </Empty>
    </div>
  );
}
