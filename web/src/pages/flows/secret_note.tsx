// A secret that is told once.
import { Button } from "../../kit/kit";
import { t } from "../../text/en";
import { copy } from "../traces/span_view";

export function SecretNote({ secret }: { secret: string }) {
  return <p className="secret-note" role="status"><strong>{t.flows.secret}</strong> <code>{secret}</code> <Button look="quiet" icon="copy" onClick={() => copy(secret)}>{t.common.copy}</Button><br /><span className="soft small">{t.flows.secretWhat}</span></p>;
}
