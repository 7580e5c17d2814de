import { t } from "@lingui/core/macro";
import { Center, Loader, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { lazy, StrictMode, Suspense, useEffect, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import { Provider, useQuery } from "urql";
import { Failed } from "../components/Failed";
import { chooseLanguage, type Language } from "../lib/language";
import { setWorkspaceTitle } from "../lib/title";
import { ownZone, setZone } from "../lib/zone";
import { createClient } from "./client";
import { asViewer, SessionContext, SessionDocument } from "./session";
import { contrast, theme } from "./theme";

// Each comes when it is asked for, so that the sign-in page does not wait for the pages behind it.
const Pages = lazy(async () => ({ default: (await import("./Pages")).Pages }));
const AuthPage = lazy(async () => ({ default: (await import("../features/auth/AuthPage")).AuthPage }));
const FactorGate = lazy(async () => ({ default: (await import("../features/account/FactorGate")).FactorGate }));
const ConfirmedPage = lazy(async () => ({ default: (await import("../features/auth/ConfirmedPage")).ConfirmedPage }));
const PasswordPage = lazy(async () => ({ default: (await import("../features/auth/PasswordPage")).PasswordPage }));

function Loading() {
  return (
    <Center mih="100vh" component="main" aria-busy>
      <Loader aria-label={t`Loading`} />
    </Center>
  );
}

/** Shows the pages to whoever signed in, else the way in. */
function Gate(props: { restart: () => void }) {
  const [{ data, error }, load] = useQuery({ query: SessionDocument });
  const reload = () => load({ requestPolicy: "network-only" });
  // Once the second step is asked for, its page stays until the person has seen the recovery codes, which are shown
  // this once: that the step is there now must not take them away.
  const [asked, setAsked] = useState(false);
  const missing = data?.account?.secondFactorMissing ?? false;
  useEffect(() => {
    if (missing) setAsked(true);
  }, [missing]);
  // What somebody has chosen for their account goes with them, to whichever browser they sign in at.
  const wanted = data?.account?.language?.toLowerCase() as Language | undefined;
  useEffect(() => {
    if (wanted) chooseLanguage(wanted);
  }, [wanted]);
  if (error && !data)
    return (
      <Center mih="100vh" p="md" component="main">
        <Failed error={error} retry={reload} />
      </Center>
    );
  if (!data) return <Loading />;
  if (location.pathname === "/confirmed") return <ConfirmedPage provider={data.setup.provider ?? null} />;
  if (location.pathname === "/password") return <PasswordPage done={props.restart} />;
  const viewer = asViewer(data.viewer);
  if (!viewer)
    return (
      <AuthPage
        setup={data.setup.needed}
        tokenNeeded={data.setup.tokenNeeded}
        emails={data.setup.emails}
        provider={data.setup.provider ?? null}
        done={props.restart}
      />
    );
  // Before anything is shown that names a time.
  setZone(data.account?.workspace.timeZone ?? ownZone);
  setWorkspaceTitle(data.account?.workspace.name ?? "");
  if (missing || asked) return <FactorGate done={props.restart} />;
  return (
    <SessionContext value={{ ...data, viewer, reload: props.restart }}>
      <Pages />
    </SessionContext>
  );
}

function App() {
  const [generation, setGeneration] = useState(0);
  const restart = () => setGeneration((n) => n + 1);
  const client = useMemo(() => createClient(restart), [generation]);
  return (
    <MantineProvider theme={theme} cssVariablesResolver={contrast} defaultColorScheme="auto">
      <Notifications position="bottom-right" />
      <Provider value={client} key={generation}>
        <Suspense fallback={<Loading />}>
          <Gate restart={restart} />
        </Suspense>
      </Provider>
    </MantineProvider>
  );
}

/** Shows the pages in an element. */
export function show(root: HTMLElement) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
