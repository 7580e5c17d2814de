import { t } from "@lingui/core/macro";
import { Alert, Box, Button, Card, Group, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconAlertTriangle, IconCheck, IconClock, IconPlayerPlay } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { useQuery } from "urql";
import { Failed } from "../../components/Failed";
import { Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { CountsFragment, GoingLiveStepKey, GoingLiveStepState, StepFragment } from "../../gql/graphql";
import { allOf, moment } from "../../lib/format";
import { SettingsTab } from "../settings/SettingsTab";
import { Credentials } from "./Credentials";
import { AccountSenders } from "./Senders";
import { countsOf, Switch } from "./Switch";
import { AccountTemplates } from "./Templates";
import { OwnNumber } from "./Test";

const GoingLiveDocument = graphql(`
  query GoingLive {
    goingLive {
      provider
      since
      credentials {
        ...Credentials
      }
      steps {
        ...Step
      }
      ends {
        ...Counts
      }
      ended {
        ...Counts
      }
    }
  }
`);
graphql(`
  fragment Step on GoingLiveStep {
    key
    state
    found
    advice
  }
`);

const titles: Record<GoingLiveStepKey, string> = {
  CREDENTIALS: t`Twilio’s credentials`,
  ADDRESS: t`Twilio reaches this server`,
  DEMO_DATA: t`No demo data`,
  SWITCH: t`Go live`,
  SENDERS: t`Senders and their webhooks`,
  TEMPLATES: t`Templates of the account`,
  TEST: t`A message to your own number`,
};

const looks: Record<GoingLiveStepState, { color: string; label: string; icon: ReactNode }> = {
  DONE: { color: "green", label: t`Done`, icon: <IconCheck size={18} /> },
  FAILED: { color: "red", label: t`Needs a fix`, icon: <IconAlertTriangle size={18} /> },
  OPEN: { color: "blue", label: t`To do`, icon: <IconPlayerPlay size={18} /> },
  WAITING: { color: "gray", label: t`Later`, icon: <IconClock size={18} /> },
};

/** From the sandbox to real messages: each step green or red, with what to do. */
export function GoingLivePage() {
  return (
    <SettingsTab title={t`Going live`} description={t`From the sandbox to real messages, step by step`}>
      <Steps />
    </SettingsTab>
  );
}

function Steps() {
  const [{ data, error, fetching, stale }, load] = useQuery({
    query: GoingLiveDocument,
    requestPolicy: "cache-and-network",
  });
  const [round, setRound] = useState(0); // with each, the lists of the account are read again too
  const again = () => load({ requestPolicy: "network-only" });
  const all = () => {
    again();
    setRound((n) => n + 1);
  };
  if (error && !data) return <Failed error={error} retry={again} />;
  if (!data) return <Rows />;
  const way = data.goingLive;
  const live = way.provider === "TWILIO";
  const actions: Partial<Record<GoingLiveStepKey, ReactNode>> = {
    CREDENTIALS: <Credentials of={way.credentials} live={live} onDone={again} />,
    SWITCH: !live && <Switch ends={way.ends} onDone={again} />,
    SENDERS: live && <AccountSenders round={round} onDone={again} />,
    TEMPLATES: live && <AccountTemplates round={round} onDone={again} />,
    TEST: live && <OwnNumber onDone={again} />,
  };
  return (
    <>
      <Alert color={live ? "red" : "grape"} title={live ? t`Twilio is live` : t`The sandbox is live`} maw={860}>
        <Text size="sm">
          {live
            ? t`What you send reaches people and costs money.`
            : t`Nothing reaches a phone. What is made now stays the sandbox’s: going live cancels it.`}
          {live && way.since && ` ${t`Live since ${moment(way.since)}.`}`}
        </Text>
        {live && way.ended && <Ended of={way.ended} />}
      </Alert>
      <Group>
        <Button variant="default" size="xs" loading={fetching || stale} onClick={all}>{t`Check again`}</Button>
      </Group>
      <Stack component="ol" gap="md" maw={860} p={0} m={0} style={{ listStyle: "none" }}>
        {way.steps.map((step, i) => (
          <Step key={step.key} of={step} number={i + 1}>
            {actions[step.key]}
          </Step>
        ))}
      </Stack>
    </>
  );
}

function Ended({ of }: { of: CountsFragment }) {
  const list = countsOf(of);
  return list.length > 0 && <Text size="sm">{t`Going live ended: ${allOf(list)}.`}</Text>;
}

function Step(props: { of: StepFragment; number: number; children?: ReactNode }) {
  const step = props.of;
  const look = looks[step.state];
  return (
    <Card component="li" data-step={step.key} data-state={step.state}>
      <Group wrap="nowrap" align="flex-start" gap="md">
        <ThemeIcon radius="xl" size={32} color={look.color} autoContrast aria-label={look.label} role="img">
          {look.icon}
        </ThemeIcon>
        <Box flex={1} miw={0}>
          <Title order={2} size="h5">{`${props.number}. ${titles[step.key]}`}</Title>
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {step.found}
          </Text>
          {step.advice && (
            <Text size="sm" fw={550} style={{ overflowWrap: "anywhere" }}>
              {step.advice}
            </Text>
          )}
          {props.children && <Box mt="sm">{props.children}</Box>}
        </Box>
      </Group>
    </Card>
  );
}
