import { useEffect, useRef, useSyncExternalStore } from "react";
import { connection } from "./api/client";
import { queryClient } from "./api/queries";
import { toast } from "./kit/toast";
import { t } from "./text/en";

const kRetryMs = 2_000;

// Shown while the server cannot be reached; asks every two seconds whether it is back.
export function ConnectionBanner() {
  const reachable = useSyncExternalStore(connection.subscribe, connection.get);
  const before = useRef(reachable);
  useEffect(() => {
    // Whoever noticed it first: this question, or a request of the page.
    if (reachable && !before.current) { toast(t.error.back); void queryClient.invalidateQueries(); }
    before.current = reachable;
  }, [reachable]);
  useEffect(() => {
    if (reachable) return;
    const timer = setInterval(() => {
      fetch("/livez").then((response) => {
        if (response.ok) connection.set(true);
      }, () => undefined);
    }, kRetryMs);
    return () => clearInterval(timer);
  }, [reachable]);
  return reachable ? null : <div className="banner bad" role="alert">{t.error.lost}</div>;
}
