import { t } from "@lingui/core/macro";
import { midSentence, skipText } from "../../lib/format";

/** People of a campaign's audience who got none for one reason: excluded, or tried and failed. */
export type People = { event: "skipped" | "failed"; reason: string };

/** As it stands in the address bar: "skipped:opted_out", "failed:63024". */
export const peopleIn = (search: string | undefined): People | null => {
  const [event, reason] = search?.split(":") ?? [];
  if (event === "skipped" && reason) return { event, reason };
  return event === "failed" && reason && /^\d{1,6}$/.test(reason) ? { event, reason } : null;
};
export const searchFor = (p: People) => `${p.event}:${p.reason}`;

/** Their messages. */
export const messagesOf = (p: People) =>
  p.event === "skipped" ? { skipReason: p.reason } : { errorCode: Number(p.reason) };

/** The same people as a segment's query. */
export const queryOf = (campaign: string, p: People) => ({ event: p.event, campaign, reason: p.reason });

/** "Opted out", "Failed with 63024" */
export const peopleText = (p: People) =>
  p.event === "skipped" ? skipText(p.reason) : p.reason === "0" ? t`Failed without a code` : t`Failed with ${p.reason}`;

/** A name for what is made of them, as long as it may be. */
export function nameFor(campaign: string, p: People, longest: number): string {
  const end = `: ${midSentence(peopleText(p))}`.slice(0, longest - 1);
  const room = longest - end.length;
  return (campaign.length > room ? `${campaign.slice(0, room - 1)}…` : campaign) + end;
}
