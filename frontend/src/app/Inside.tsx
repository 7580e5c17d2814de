import "virtual:later.css";

import { lazy, Suspense, useEffect, useState } from "react";
import { Provider, useQuery } from "urql";
import type { SessionQuery } from "../gql/graphql";
import { chooseLanguage, type Language } from "../lib/language";
import { setWorkspaceTitle } from "../lib/title";
import { ownZone, setZone } from "../lib/zone";
import { Loading } from "./Loading";
import { Pages } from "./Pages";
import { createPagesClient } from "./pagesClient";
import { asViewer, SessionContext, SessionDocument } from "./session";

const FactorGate = lazy(async () => ({ default: (await import("../features/account/FactorGate")).FactorGate }));

/** What is behind the way in, for whoever is signed in, with a client of its own. */
export function Inside(props: { session: SessionQuery; restart: () => void }) {
  const [client] = useState(() => createPagesClient(props.restart, props.session));
  return (
    <Provider value={client}>
      <Suspense fallback={<Loading />}>
        <Signed {...props} />
      </Suspense>
    </Provider>
  );
}

/** The pages, or the second step, where the role asks for one that is not there. */
function Signed({ session, restart }: { session: SessionQuery; restart: () => void }) {
  const [{ data = session }] = useQuery({ query: SessionDocument });
  // Once the second step is asked for, its page stays until the person has seen the recovery codes, which are shown
  // this once: that the step is there now must not take them away.
  const [asked, setAsked] = useState(false);
  const missing = data.account?.secondFactorMissing ?? false;
  useEffect(() => {
    if (missing) setAsked(true);
  }, [missing]);
  // What somebody has chosen for their account goes with them, to whichever browser they sign in at.
  const wanted = data.account?.language?.toLowerCase() as Language | undefined;
  useEffect(() => {
    if (wanted) chooseLanguage(wanted);
  }, [wanted]);
  const viewer = asViewer(data.viewer);
  const over = viewer === null;
  useEffect(() => {
    if (over) restart(); // signed out meanwhile
  }, [over, restart]);
  if (!viewer) return <Loading />;
  // Before anything is shown that names a time.
  setZone(data.account?.workspace.timeZone ?? ownZone);
  setWorkspaceTitle(data.account?.workspace.name ?? "");
  if (missing || asked) return <FactorGate done={restart} />;
  return (
    <SessionContext value={{ ...data, viewer, reload: restart }}>
      <Pages />
    </SessionContext>
  );
}
