import { t } from "@lingui/core/macro";
import { Box, Center, Stack, Text, Title } from "@mantine/core";
import { Modals } from "../../app/Modals";
import { Factors } from "./Factors";

/** Whose role asks for a second step sets one up before anything else. */
export function FactorGate(props: { done: () => void }) {
  return (
    <>
      <Center mih="100vh" p="md" component="main">
        <Box w={620} maw="100%">
          <Stack>
            <Title order={1} size="h3">{t`One more step`}</Title>
            <Text size="sm">{t`Your role asks for two-step sign-in. Set up an app or a passkey; you need it whenever you sign in.`}</Text>
            <Factors done={props.done} />
          </Stack>
        </Box>
      </Center>
      <Modals />
    </>
  );
}
