import { t } from "@lingui/core/macro";
import { Alert, Button, Stack } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { CombinedError } from "urql";
import { errorText } from "../lib/errors";

/** Apart from the other components, which bring the router with them: the way in needs it as well. */
export function Failed(props: { error: CombinedError; retry: () => void }) {
  return (
    <Alert color="red" icon={<IconAlertTriangle />} title={t`This could not be loaded`}>
      <Stack gap="sm" align="flex-start">
        {errorText(props.error)}
        <Button size="xs" variant="default" onClick={props.retry}>{t`Try again`}</Button>
      </Stack>
    </Alert>
  );
}
