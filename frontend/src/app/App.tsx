import { Center, MantineProvider } from "@mantine/core";
import { lazy, StrictMode, Suspense, useCallback, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import { Provider, useQuery } from "urql";
import { Failed } from "../components/Failed";
import { createClient } from "./client";
import { Loading } from "./Loading";
import { asViewer, SessionDocument } from "./session";
import { Toasts } from "./Toasts";
import { contrast, theme } from "./theme";

// Each comes when it is asked for, so that the sign-in page does not wait for what is behind it.
const Inside = lazy(async () => ({ default: (await import("./Inside")).Inside }));
const AuthPage = lazy(async () => ({ default: (await import("../features/auth/AuthPage")).AuthPage }));
const ConfirmedPage = lazy(async () => ({ default: (await import("../features/auth/ConfirmedPage")).ConfirmedPage }));
const PasswordPage = lazy(async () => ({ default: (await import("../features/auth/PasswordPage")).PasswordPage }));

/** Lets in whoever is signed in, else shows the way in. */
function Gate(props: { restart: () => void }) {
  const [{ data, error }, load] = useQuery({ query: SessionDocument });
  if (error && !data)
    return (
      <Center mih="100vh" p="md" component="main">
        <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
      </Center>
    );
  if (!data) return <Loading />;
  if (location.pathname === "/confirmed") return <ConfirmedPage provider={data.setup.provider ?? null} />;
  if (location.pathname === "/password") return <PasswordPage done={props.restart} />;
  if (asViewer(data.viewer)) return <Inside session={data} restart={props.restart} />;
  return (
    <AuthPage
      setup={data.setup.needed}
      tokenNeeded={data.setup.tokenNeeded}
      emails={data.setup.emails}
      provider={data.setup.provider ?? null}
      done={props.restart}
    />
  );
}

function App() {
  const [generation, setGeneration] = useState(0);
  const restart = useCallback(() => setGeneration((n) => n + 1), []);
  const client = useMemo(() => createClient(restart), [generation, restart]);
  return (
    <MantineProvider theme={theme} cssVariablesResolver={contrast} defaultColorScheme="auto">
      <Toasts />
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
