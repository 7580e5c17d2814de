import { t } from "@lingui/core/macro";
import { Divider, Group, Stack, Text } from "@mantine/core";
import { useMay, useSession } from "../../app/session";
import { DemoProgress, SeedButton, useDemoData } from "../settings/DemoData";

/** Made-up data to look around in, where there is nothing yet and nothing can reach a phone. */
export function DemoOffer(props: { empty: boolean; onDone: () => void }) {
  const session = useSession();
  const admin = useMay("ADMIN");
  const { data, busy, load } = useDemoData(props.onDone);
  if (session.setup.live || !data || (!busy && (!props.empty || !admin))) return null;
  return (
    <>
      <Divider my="lg" />
      <Stack>
        <DemoProgress of={data} />
        {!busy && (
          <Group gap="sm">
            <SeedButton onStarted={load} />
            <Text
              size="sm"
              c="dimmed"
              flex={1}
              miw={240}
            >{t`50,000 made-up contacts and six weeks of campaigns, to look around in. They can be removed again in Settings; until then you cannot go live.`}</Text>
          </Group>
        )}
      </Stack>
    </>
  );
}
