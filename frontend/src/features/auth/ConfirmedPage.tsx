import { t } from "@lingui/core/macro";
import { Button, Text } from "@mantine/core";
import { useEffect } from "react";
import { Entrance } from "./AuthPage";
import { confirmations, type Provider, refusalIn } from "./provider";

/** Where the window ends in which somebody signed in anew to confirm who they are. */
export function ConfirmedPage({ provider }: { provider: Provider | null }) {
  const problem = refusalIn(location.hash, provider);
  useEffect(() => {
    const channel = confirmations();
    channel.postMessage(problem);
    channel.close();
    if (!problem) window.close();
  }, [problem]);
  return (
    <Entrance title={problem ? t`Not confirmed` : t`Confirmed`}>
      <Text size="sm">{problem || t`You can close this window and go on where you were.`}</Text>
      <Button variant="default" onClick={() => window.close()}>{t`Close this window`}</Button>
    </Entrance>
  );
}
