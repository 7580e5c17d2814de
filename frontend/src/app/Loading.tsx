import { t } from "@lingui/core/macro";
import { Center, Loader } from "@mantine/core";

/** Instead of a whole page that is not there yet. */
export function Loading() {
  return (
    <Center mih="100vh" component="main" aria-busy>
      <Loader aria-label={t`Loading`} />
    </Center>
  );
}
