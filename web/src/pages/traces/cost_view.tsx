// What each model call used and cost.
import type { TraceDetail } from "../../api/types";
import { count, milliseconds } from "../../format/format";
import { money } from "../../format/money";
import { Empty } from "../../kit/kit";
import { Link } from "../../router";
import { t } from "../../text/en";
import { flat, modelCalls } from "./trace_tree";

const maybe = (value: number | null) => (value === null ? "–" : count(value));

export function CostView({ trace, open }: { trace: TraceDetail; open: (span: string) => void }) {
  const calls = modelCalls(flat(trace.tree));
  if (calls.length === 0) return <Empty title={t.traces.noCalls} what={t.traces.noCallsWhat} />;
  const whole = calls.reduce((sum, call) => sum + (call.cost ?? 0), 0);
  return (
    <>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={t.traces.views.cost}>
        <table className="cost"><thead><tr><th>{t.traces.call}</th><th>{t.traces.model}</th><th className="number">{t.traces.input}</th><th className="number">{t.traces.cached}</th><th className="number">{t.traces.output}</th><th className="number">{t.traces.first}</th><th className="number">{t.traces.time}</th><th className="number">{t.traces.cost}</th><th>{t.traces.share}</th></tr></thead>
          <tbody data-list>{calls.map(({ span, model, input, cached, output, first_ms, cost }) => (
            <tr key={span.id}><td><button type="button" className="link-button" data-item onClick={() => open(span.id)}>{span.name}</button></td><td>{model || "–"}</td><td className="number">{maybe(input)}</td><td className="number">{maybe(cached)}</td><td className="number">{maybe(output)}</td>
              <td className="number">{first_ms === null ? "–" : milliseconds(first_ms)}</td><td className="number">{milliseconds(span.duration_ms)}</td><td className="number">{cost === null ? t.traces.noPrice : money(cost, trace.currency)}</td>
              <td className="share"><span style={{ width: whole > 0 && cost ? `${(cost / whole) * 100}%` : 0 }} /></td></tr>))}</tbody>
          <tfoot><tr><th scope="row" colSpan={2}>{t.traces.whole}</th><td className="number">{count(trace.input_tokens)}</td><td className="number">{count(trace.cached_tokens)}</td><td className="number">{count(trace.output_tokens)}</td><td /><td className="number">{milliseconds(trace.duration_ms)}</td><td className="number">{trace.cost === null ? t.traces.noPrice : money(trace.cost, trace.currency)}</td><td /></tr></tfoot></table>
      </div>
      {calls.some((call) => call.cost === null) && <p className="soft">{t.traces.noPriceWhat} <Link to="/usage?view=prices">{t.usage.state}</Link></p>}
    </>
  );
}
