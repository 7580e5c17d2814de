/** What a line of the stream has of whatever kind it is. */
export type StreamLine = { key: string; at: string };

/** What came while the page was open and what was there before, newest first, each once. */
export function merged<Line extends StreamLine>(live: readonly Line[], past: readonly Line[]): Line[] {
  const seen = new Set(live.map((l) => l.key));
  const older = past.filter((l) => !seen.has(l.key));
  return [...live, ...older].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
}
