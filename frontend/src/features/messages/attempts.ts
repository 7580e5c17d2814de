type Event = { id: string; sid: string };
type Earlier = { sid: string };

export type Group<E, A> = { sid: string | null; earlier: A | null; events: E[] };

/**
 * A message's events by attempt, oldest attempt first. The last group is the newest attempt, which has no SID yet
 * while it waits; it is left out when an earlier attempt arrived after all and took its place.
 */
export function byAttempt<E extends Event, A extends Earlier>(
  sid: string | null,
  earlier: readonly A[],
  events: readonly E[],
): Group<E, A>[] {
  const groups: Group<E, A>[] = earlier.map((a) => ({ sid: a.sid, earlier: a, events: [] }));
  if (!earlier.some((a) => a.sid === sid)) groups.push({ sid, earlier: null, events: [] });
  const newest = groups[groups.length - 1];
  for (const e of events) (groups.find((g) => g.sid === e.sid) ?? newest)?.events.push(e);
  return groups;
}
