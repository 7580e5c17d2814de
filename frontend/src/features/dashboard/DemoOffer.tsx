import { Button, Divider, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation } from "urql";
import { useMay, useSession } from "../../app/session";
import { graphql } from "../../gql";
import { settled } from "../../lib/errors";

const SeedDocument = graphql(`
  mutation SandboxSeed($input: SandboxSeedInput!) {
    sandboxSeed(input: $input) {
      contacts
      userErrors {
        field
        message
      }
    }
  }
`);

/** Made-up data to look around in, where there is nothing yet and nothing can reach a phone. */
export function DemoOffer(props: { empty: boolean; onDone: () => void }) {
  const session = useSession();
  const admin = useMay("ADMIN");
  const [seeding, seed] = useMutation(SeedDocument);
  if (!props.empty || session.setup.live || !admin) return null;
  return (
    <>
      <Divider my="lg" />
      <Group gap="sm">
        <Button
          variant="default"
          loading={seeding.fetching}
          onClick={async () => {
            if (!settled(await seed({ input: {} }))) return;
            notifications.show({ message: "Demo data is in: have a look around", color: "green" });
            props.onDone();
          }}
        >
          Fill with demo data
        </Button>
        <Text size="sm" c="dimmed" flex={1} miw={240}>
          50,000 made-up contacts and six weeks of campaigns, in some fifteen seconds. For looking around: with live
          Twilio credentials the engine will not start on this database.
        </Text>
      </Group>
    </>
  );
}
