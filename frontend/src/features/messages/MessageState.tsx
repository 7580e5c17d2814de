import { t } from "@lingui/core/macro";
import { Status } from "../../components/ui";

/** A message's status, or that only a person can decide about it. */
export function MessageState({ of }: { of: { status: string; decisionSince?: string | null } }) {
  return of.decisionSince ? <Status value="WARN" label={t`Needs a decision`} /> : <Status value={of.status} />;
}
