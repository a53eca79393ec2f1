// What rules a product's numbers: targets, costs, what is imported, and when the update is written. One view per address.
import type { ReactNode } from "react";
import type { Product } from "../../api/types";
import { PageHead } from "../../kit/kit";
import { Link, useParam } from "../../router";
import { t } from "../../text/en";
import { WithProduct } from "../metrics/product_picker";
import { CostsView } from "./costs_view";
import { ImportView } from "./import_view";
import { ScheduleView } from "./schedule_view";
import { TargetsView } from "./targets_view";

const views = ["targets", "costs", "import", "schedule"] as const;

function Settings({ product, picker }: { product: Product; picker: ReactNode }) {
  const [wanted, setView] = useParam("view");
  const view = views.find((name) => name === wanted) ?? "targets";
  return (
    <div className="page">
      <PageHead title={t.settings.title} what={t.settings.what}>{picker}<Link className="button plain" to={`/dashboard?product=${encodeURIComponent(product.id)}`}>{t.settings.toDashboard}</Link></PageHead>
      <div className="tabs" role="group" aria-label={t.settings.view}>{views.map((name) => <button key={name} type="button" aria-pressed={name === view} onClick={() => setView(name === "targets" ? null : name)}>{t.settings.views[name]}</button>)}</div>
      {view === "targets" ? <TargetsView product={product} /> : view === "costs" ? <CostsView product={product} /> : view === "import" ? <ImportView product={product} /> : <ScheduleView product={product} />}
    </div>
  );
}

export default function SettingsPage() {
  return <WithProduct title={t.settings.title} what={t.settings.what}>{(product, picker) => <Settings key={product.id} product={product} picker={picker} />}</WithProduct>;
}
