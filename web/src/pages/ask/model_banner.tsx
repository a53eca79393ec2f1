import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { systemQuery } from "../../api/queries";
import { Button, IconButton } from "../../kit/kit";
import { t } from "../../text/en";

const ProviderDialog = lazy(() => import("../system/provider_dialog"));
const kHidden = "strata.banner.hidden";

export function ModelBanner() {
  const system = useQuery(systemQuery(false)).data;
  const [open, setOpen] = useState(false);
  const [hidden, setHidden] = useState(() => sessionStorage.getItem(kHidden) !== null);
  const model = system?.models.find((row) => row.id === system.default_model);
  if (!model?.demo || hidden) return null;
  const hide = () => { sessionStorage.setItem(kHidden, "1"); setHidden(true); };
  return (
    <div className="banner note">
      <span>{t.model.small(model.id)}</span>
      <Button onClick={() => setOpen(true)}>{t.model.add}</Button><IconButton icon="close" label={t.model.hide} onClick={hide} />
      {open && <Suspense fallback={null}><ProviderDialog onClose={() => setOpen(false)} /></Suspense>}
    </div>
  );
}
