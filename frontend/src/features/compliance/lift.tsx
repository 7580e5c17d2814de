import { t } from "@lingui/core/macro";
import { Text } from "@mantine/core";
import { useMutation } from "urql";
import { graphql } from "../../gql";
import type { SuppressionReason } from "../../gql/graphql";
import { settled } from "../../lib/errors";
import { midSentence, moment, words } from "../../lib/format";
import { modals } from "../../lib/modals";
import { notifications } from "../../lib/notifications";

const LiftDocument = graphql(`
  mutation SuppressionLift($input: SuppressionRemoveInput!) {
    suppressionRemove(input: $input) {
      remaining {
        id
        reason
        until
      }
      userErrors {
        field
        message
      }
    }
  }
`);

type Reason = { id: string; reason: SuppressionReason; until?: string | null };

/** The reasons that people give and lift; the others follow from what happened. */
export const byHand: readonly SuppressionReason[] = ["OPERATOR", "COMPLAINT", "BLOCKED", "INVALID"];

/** Several reasons as a list. */
export function names(reasons: readonly Reason[]): string {
  return reasons
    .map((r) => midSentence(r.until ? t`${words(r.reason)} until ${moment(r.until)}` : words(r.reason)))
    .join(", ");
}

/** Asks whether one reason is to be lifted, says which remain, and lifts it. */
export function useLift(onLifted?: () => void): (one: Reason & { others: readonly Reason[] }) => void {
  const [, lift] = useMutation(LiftDocument);
  return (one) =>
    modals.openConfirmModal({
      title: t`Lift “${midSentence(words(one.reason))}”?`,
      children: (
        <Text size="sm">
          {one.others.length > 0
            ? t`The number remains suppressed: ${names(one.others)}.`
            : t`There is no other reason. The number may be written to again, as far as its consent allows.`}
        </Text>
      ),
      labels: { confirm: t`Lift`, cancel: t`Cancel` },
      onConfirm: async () => {
        const result = await lift({ input: { id: one.id } });
        if (!settled(result)) return;
        const left = result.data?.suppressionRemove.remaining ?? [];
        notifications.show({
          message: left.length > 0 ? t`Lifted. The number remains suppressed: ${names(left)}.` : t`Lifted.`,
        });
        onLifted?.();
      },
    });
}
