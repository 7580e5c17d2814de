import { t } from "@lingui/core/macro";
import { Button, Group, Text } from "@mantine/core";
import { useMutation } from "urql";
import { graphql } from "../../gql";
import type { MessageResolution } from "../../gql/graphql";
import { settled } from "../../lib/errors";
import { messages } from "../../lib/format";
import { modals } from "../../lib/modals";
import { notifications } from "../../lib/notifications";

const ResolveDocument = graphql(`
  mutation MessageResolve($input: MessageResolveInput!) {
    messageResolve(input: $input) {
      resolved
      userErrors {
        message
      }
    }
  }
`);

/** What each choice risks. */
const risks = {
  SEND_AGAIN: t`Send again: if Twilio has it after all, they get it twice.`,
  GIVE_UP: t`Give up: if Twilio does not have it, they get none.`,
} satisfies Record<MessageResolution, string>;

const asked = {
  SEND_AGAIN: {
    title: (n: number) => t`Send ${messages(n)} again?`,
    text: (n: number) =>
      n === 1
        ? t`It goes out once more. If Twilio has it after all, they get it twice.`
        : t`${messages(n)} go out once more. Each contact whose message Twilio has after all gets it twice.`,
    confirm: t`Send again`,
    done: (n: number) => t`${messages(n)} will be sent again`,
  },
  GIVE_UP: {
    title: (n: number) => t`Give up ${messages(n)}?`,
    text: (n: number) =>
      n === 1
        ? t`It counts as failed and is not sent. If Twilio does not have it, they get none.`
        : t`${messages(n)} count as failed and are not sent. Each contact whose message Twilio does not have gets none.`,
    confirm: t`Give up`,
    done: (n: number) => t`${messages(n)} given up`,
  },
};

/** The two choices for messages that need a decision: all of a campaign, or these. */
export function Decide(props: {
  of: { campaignId: string } | { ids: string[] };
  n: number;
  about?: string;
  onDone?: () => void;
}) {
  const [{ fetching }, resolve] = useMutation(ResolveDocument);
  const ask = (resolution: MessageResolution) => {
    const words = asked[resolution];
    modals.openConfirmModal({
      title: words.title(props.n),
      children: <Text size="sm">{words.text(props.n)}</Text>,
      labels: { confirm: words.confirm, cancel: t`Decide later` },
      confirmProps: { color: "red" },
      onConfirm: async () => {
        const result = await resolve({ input: { ...props.of, resolution } });
        if (!settled(result)) return;
        const n = result.data?.messageResolve.resolved ?? 0;
        notifications.show(
          n === 0
            ? { color: "yellow", message: t`Nothing was left to decide: it has been settled meanwhile` }
            : { color: "green", message: words.done(n) },
        );
        props.onDone?.();
      },
    });
  };
  const label = (s: string) => (props.about ? `${s}: ${props.about}` : undefined);
  return (
    <Group gap="xs" wrap="nowrap">
      <Button
        size="xs"
        variant="default"
        loading={fetching}
        aria-label={label(t`Send again`)}
        onClick={() => ask("SEND_AGAIN")}
      >{t`Send again`}</Button>
      <Button
        size="xs"
        variant="default"
        loading={fetching}
        aria-label={label(t`Give up`)}
        onClick={() => ask("GIVE_UP")}
      >{t`Give up`}</Button>
    </Group>
  );
}

/** What the two choices risk, as a list. */
export function Risks() {
  return (
    <Text size="sm" component="ul" m={0} pl="md">
      <li>{risks.SEND_AGAIN}</li>
      <li>{risks.GIVE_UP}</li>
    </Text>
  );
}
