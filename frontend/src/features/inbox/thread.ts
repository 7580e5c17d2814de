import { t } from "@lingui/core/macro";
import type { MessageStatus } from "../../gql/graphql";
import { dayKey, momentAt, wall } from "../../lib/zone";

/** Free text ends this long before the window does, as the server has it (windowMargin). */
const margin = 5 * 60_000;

/** How long free text may still go: "23 h left to reply"; nothing once it may not. */
export function leftToReply(until: string | null | undefined, now: number): string {
  const minutes = until ? Math.floor((new Date(until).getTime() - margin - now) / 60_000) : -1;
  if (minutes < 0) return "";
  if (minutes < 1) return t`Less than a minute left to reply`;
  return minutes < 60 ? t`${minutes} min left to reply` : t`${Math.floor(minutes / 60)} h left to reply`;
}

/**
 * The rows that are known after the newest page was read again, newest first: older ones that were read before stay
 * behind it, as long as the page reaches down to one of them.
 */
export function grown<Row extends { id: string }>(known: readonly Row[], page: readonly Row[]): Row[] {
  const fresh = new Set(page.map((r) => r.id));
  const last = known.findLastIndex((r) => fresh.has(r.id));
  return last < 0 ? [...page] : [...page, ...known.slice(last + 1)];
}

/**
 * The newest rows of a list with what came since: the newest so many as they are now. null: more came at once than
 * they show, and the list has to be read again.
 */
export function withNews<Row extends { id: string }>(
  known: readonly Row[],
  news: readonly Row[] | undefined,
  asked: number,
): readonly Row[] | null {
  if (!news) return known;
  const all = news.length < asked;
  if (!all && !known.some((r) => news.some((n) => n.id === r.id))) return null;
  return grown(known, news);
}

type Said = { id: string; createdAt: string; direction: string; purpose: string; sentBy?: { id: string } | null };

/** Messages of one sender within this time stand together. */
const together = 5 * 60_000;

export type Grouped<M> = { message: M; first: boolean; last: boolean };

/**
 * Messages, oldest first, with which of them stand together: of the same side, purpose, writer and day, within five
 * minutes of the one before.
 */
export function grouped<M extends Said>(messages: readonly M[]): Grouped<M>[] {
  const day = (m: M) => dayKey(new Date(m.createdAt));
  const joins = (a: M | undefined, b: M | undefined) =>
    !!a &&
    !!b &&
    a.direction === b.direction &&
    a.purpose === b.purpose &&
    a.sentBy?.id === b.sentBy?.id &&
    day(a) === day(b) &&
    new Date(b.createdAt).getTime() - new Date(a.createdAt).getTime() < together;
  return messages.map((m, i) => ({
    message: m,
    first: !joins(messages[i - 1], m),
    last: !joins(m, messages[i + 1]),
  }));
}

export type Tick = "waiting" | "sent" | "delivered" | "read" | "failed" | "unclear";

const ticks: Partial<Record<MessageStatus, Tick>> = {
  SENT: "sent",
  DELIVERED: "delivered",
  READ: "read",
  UNDELIVERED: "failed",
  FAILED: "failed",
  CANCELED: "failed",
  SKIPPED: "failed",
  EXPIRED: "failed",
  UNKNOWN: "unclear",
};

/** Which tick stands for where a message is. */
export const tickOf = (status: MessageStatus): Tick => ticks[status] ?? "waiting";

/** Whether a receipt may still come soon: it is looked for as long as somebody may be watching. */
export const underWay = (m: { direction: string; status: MessageStatus; createdAt: string }, now: number) =>
  m.direction === "OUTBOUND" &&
  (tickOf(m.status) === "waiting" || m.status === "SENT") &&
  now - new Date(m.createdAt).getTime() < 5 * 60_000;

/**
 * The rows of a list with the one that is being read, which stays where it stood though it no longer fits the filter:
 * a conversation under "Unread" is read once it is opened.
 */
export function keptInPlace<Row extends { id: string }>(
  before: readonly Row[],
  now: readonly Row[],
  reading: string | undefined,
): readonly Row[] {
  const at = before.findIndex((r) => r.id === reading);
  const row = before[at];
  if (!row || now.some((r) => r.id === reading)) return now;
  return [...now.slice(0, at), row, ...now.slice(at)];
}

/** The conversation after or before the one that is read; the first, when none is. */
export function neighbour(ids: readonly string[], reading: string | undefined, step: 1 | -1): string | undefined {
  const at = reading ? ids.indexOf(reading) : -1;
  return at < 0 ? ids[0] : ids[at + step];
}

/** Whether somebody is told of a message: their own conversations, and those of nobody, unless nothing is left to do. */
export const concerns = (of: { status: string; assignee?: { id: string } | null }, me: string) =>
  of.status === "OPEN" && (!of.assignee || of.assignee.id === me);

/** The "/" before the caret that asks for a canned reply, with what is typed behind it; it begins a word. */
export function slashAt(text: string, caret: number): { from: number; name: string } | null {
  const typed = /(?:^|\s)\/([\p{L}\p{N}_-]*)$/u.exec(text.slice(0, caret));
  return typed ? { from: caret - (typed[1]?.length ?? 0) - 1, name: (typed[1] ?? "").toLowerCase() } : null;
}

/** Placeholders that nobody has filled in; such a text is not sent. */
export const unfilled = (text: string): string[] => [...new Set(text.match(/\{\{[^{}]*\}\}/g) ?? [])];

/** When a conversation may come back, from now on, in the workspace's zone. */
export function snoozes(now: Date): { label: string; at: Date }[] {
  const hours = (n: number) => new Date(now.getTime() + n * 3_600_000);
  const today = wall(now);
  const morning = (days: number) => momentAt(today.year, today.month, today.day + days, 9);
  const weekday = new Date(Date.UTC(today.year, today.month - 1, today.day)).getUTCDay();
  const monday = (8 - weekday) % 7 || 7;
  return [
    { label: t`In 1 hour`, at: hours(1) },
    { label: t`In 3 hours`, at: hours(3) },
    { label: t`Tomorrow morning`, at: morning(1) },
    ...(monday > 1 ? [{ label: t`Next Monday`, at: morning(monday) }] : []),
  ];
}

type At = { id: string; createdAt: string };

/**
 * Messages with the notes between them, oldest first. Notes from before the oldest message that was read wait until it
 * is read too.
 */
export function withNotes<M extends At, N extends At>(
  messages: readonly M[],
  notes: readonly N[],
  whole: boolean,
): ({ message: M } | { note: N })[] {
  const oldest = whole ? Number.NEGATIVE_INFINITY : Date.parse(messages[0]?.createdAt ?? "");
  const all = [
    ...messages.map((message) => ({ message, at: Date.parse(message.createdAt) })),
    ...notes.map((note) => ({ note, at: Date.parse(note.createdAt) })).filter((n) => n.at >= oldest),
  ];
  return all.sort((a, b) => a.at - b.at);
}
