import { useSyncExternalStore } from "react";
import type { Client, Exchange, Operation } from "urql";
import { pipe, tap } from "wonka";

/** How long to wait between two looks at whether the server is back, in milliseconds. */
const pause = 1500;

/**
 * Whether the server can be reached. A request that got no answer and a socket that broke off only give reason to look;
 * what says that the server is away is that its address for it does not answer.
 */
export class Connection {
  private away = false;
  private looking = false;
  private readonly listeners = new Set<() => void>();
  private returned = () => {};

  constructor(private readonly look: () => Promise<boolean>) {}

  /** Looks until the server answers. */
  async doubt() {
    if (this.looking) return;
    this.looking = true;
    while (!(await this.look())) {
      this.set(true);
      await new Promise((done) => setTimeout(done, pause));
    }
    this.looking = false;
    const back = this.away;
    this.set(false);
    if (back) this.returned();
  }

  isAway = () => this.away;

  /** Calls tell on each change, until the function it gives back is called. */
  watch = (tell: () => void) => {
    this.listeners.add(tell);
    return () => this.listeners.delete(tell);
  };

  /** Calls tell whenever the server is back. One caller at a time: each client follows the one before it. */
  onReturn(tell: () => void) {
    this.returned = tell;
  }

  private set(away: boolean) {
    if (this.away === away) return;
    this.away = away;
    for (const tell of this.listeners) tell();
  }
}

/** Any answer of the server will do; one of a proxy before it that finds no server will not. */
async function answers(): Promise<boolean> {
  try {
    const { status } = await fetch("/healthz", { cache: "no-store" });
    return status < 502 || status > 504;
  } catch {
    return false;
  }
}

export const connection = new Connection(answers);
addEventListener("offline", () => void connection.doubt());

export const useAway = () => useSyncExternalStore(connection.watch, connection.isAway);

/** Asks all questions of the pages that are shown anew when the server is back: what is on the screen may be old. */
export const connectionExchange =
  (to: Connection): Exchange =>
  ({ client, forward }) => {
    const asked = new Map<number, Operation>();
    to.onReturn(() => again(client, asked));
    return (operations) =>
      pipe(
        operations,
        tap((op) => {
          if (op.kind === "query") asked.set(op.key, op);
          if (op.kind === "teardown") asked.delete(op.key);
        }),
        forward,
        tap(({ error }) => {
          const status = (error?.response as Response | undefined)?.status;
          if (error?.networkError && (status === undefined || (status >= 502 && status <= 504))) void to.doubt();
        }),
      );
  };

function again(client: Client, asked: Map<number, Operation>) {
  for (const op of asked.values())
    client.reexecuteOperation({ ...op, context: { ...op.context, requestPolicy: "network-only" } });
}
