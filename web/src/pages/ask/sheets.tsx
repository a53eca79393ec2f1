// What opens beside an answer on any page: why it says so (?why=), and a source with its passage (?source=).
import { lazy, Suspense } from "react";
import { navigate, useParam, withParams } from "../../router";

const WhySheet = lazy(() => import("./why"));
const SourceSheet = lazy(() => import("../knowledge/source_sheet"));

export function AnswerSheets() {
  const [why] = useParam("why");
  const [source] = useParam("source");
  return (
    <Suspense fallback={null}>
      {why && <WhySheet answer={why} onClose={() => navigate(withParams({ why: null }), { replace: true })} />}
      {source && <SourceSheet document={source} onClose={() => navigate(withParams({ source: null, begin: null, end: null }), { replace: true })} />}
    </Suspense>
  );
}
