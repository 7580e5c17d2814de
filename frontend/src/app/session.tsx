import { createContext, useContext } from "react";
import { graphql } from "../gql";
import type { Role, SessionQuery } from "../gql/graphql";

export const SessionDocument = graphql(`
  query Session {
    viewer {
      id
      name
      email
      role
    }
    account {
      operator {
        id
      }
      language
      secondFactorMissing
      workspace {
        name
        timeZone
      }
      password
    }
    setup {
      needed
      tokenNeeded
      live
      emails
      provider {
        name
        url
        only
      }
      version
    }
  }
`);

type Viewer = { id: string; name: string; email: string; role: Role };

export type Session = Omit<SessionQuery, "viewer"> & { reload: () => void; viewer: Viewer };

/** The viewer, of whom nothing is hidden from themselves. */
export function asViewer(viewer: SessionQuery["viewer"]): Viewer | null {
  if (!viewer?.email || !viewer.role) return null;
  return { ...viewer, email: viewer.email, role: viewer.role };
}

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
