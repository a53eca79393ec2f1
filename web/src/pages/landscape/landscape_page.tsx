import { useQuery } from "@tanstack/react-query";
import { landscapeQuery } from "../../api/queries";
import { ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { useParam } from "../../router";
import { t } from "../../text/en";
import { DecideView } from "./decide_view";
import { ModelTable } from "./model_table";
import { RankView } from "./rank_view";
import { SideView } from "./side_view";

const views = [["", t.landscape.views.models], ["side", t.landscape.views.side], ["rank", t.landscape.views.rank], ["decide", t.landscape.views.decide]] as const;

export default function LandscapePage() {
  const [view, setView] = useParam("view");
  const query = useQuery(landscapeQuery);
  const landscape = query.data;
  return (
    <div className="page">
      <PageHead title={t.landscape.title} what={landscape ? t.landscape.what(landscape.as_of) : undefined} />
      <div className="tabs" role="group" aria-label={t.landscape.view}>
        {views.map(([name, label]) => <button key={name} type="button" aria-pressed={view === name} onClick={() => setView(name || null)}>{label}</button>)}
      </div>
      {landscape?.own_file.error && <p className="error-box" role="alert">{t.landscape.ownFile(landscape.own_file.path, landscape.own_file.error)}</p>}
      {query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} />
        : !landscape ? <Skeleton lines={10} />
        : view === "side" ? <SideView landscape={landscape} />
        : view === "rank" ? <RankView landscape={landscape} />
        : view === "decide" ? <DecideView />
        : <ModelTable landscape={landscape} />}
    </div>
  );
}
