import { createContext, useContext } from "react";
import { graphql } from "../gql";
import type { SessionQuery } from "../gql/graphql";

export const SessionDocument = graphql(`
  query Session {
    viewer {
      id
      name
      email
      role
    }
    setup {
      needed
      tokenNeeded
      live
      version
    }
  }
`);

export type Session = SessionQuery & { reload: () => void; viewer: NonNullable<SessionQuery["viewer"]> };

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("useSession outside of a session");
  return session;
}

const rank = { VIEWER: 1, MARKETER: 2, ADMIN: 3 };

/** Whether the signed-in operator may do what the role may. */
export function useMay(role: keyof typeof rank): boolean {
  return rank[useSession().viewer.role] >= rank[role];
}
