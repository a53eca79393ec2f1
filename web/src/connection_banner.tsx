import { useEffect, useSyncExternalStore } from "react";
import { connection } from "./api/client";
import { queryClient } from "./api/queries";
import { toast } from "./kit/toast";
import { t } from "./text/en";

const kRetryMs = 2_000;

// Shown while the server cannot be reached; asks every two seconds whether it is back.
export function ConnectionBanner() {
  const reachable = useSyncExternalStore(connection.subscribe, connection.get);
  useEffect(() => {
    if (reachable) return;
    const timer = setInterval(() => {
      fetch("/livez").then((response) => {
        if (!response.ok) return;
        connection.set(true);
        toast(t.error.back);
        void queryClient.invalidateQueries();
      }, () => undefined);
    }, kRetryMs);
    return () => clearInterval(timer);
  }, [reachable]);
  return reachable ? null : <div className="banner bad" role="alert">{t.error.lost}</div>;
}
