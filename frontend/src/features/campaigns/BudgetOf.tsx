import { t } from "@lingui/core/macro";
import { Progress, Stack, Text } from "@mantine/core";
import { useMutation } from "urql";
import { graphql } from "../../gql";
import type { BudgetStateFragment } from "../../gql/graphql";
import { errorText, sentences } from "../../lib/errors";
import { money } from "../../lib/format";
import { notifications } from "../../lib/notifications";
import { BudgetForm } from "../prices/BudgetForm";

graphql(`
  fragment BudgetState on Budget {
    limit {
      amount
      currency
    }
    charged {
      amount
      currency
    }
    reserved {
      amount
      currency
    }
  }
`);

const CampaignBudgetDocument = graphql(`
  mutation CampaignBudget($input: CampaignUpdateInput!) {
    campaignUpdate(input: $input) {
      campaign {
        id
        revision
        budget {
          ...BudgetState
        }
      }
      userErrors {
        field
        message
      }
    }
  }
`);

/** How much of a budget is used. */
export function BudgetBar({ budget: b }: { budget: BudgetStateFragment }) {
  const limit = Number(b.limit.amount);
  const share = (m: { amount: string }) => Math.min(100, Math.max(0, (100 * Number(m.amount)) / limit));
  return (
    <Stack gap={4}>
      <Progress.Root size="sm">
        <Progress.Section value={share(b.charged)} aria-label={t`Charged`} />
        <Progress.Section value={share(b.reserved)} color="gray" aria-label={t`Reserved`} />
      </Progress.Root>
      <Text size="xs" c="dimmed">
        {Number(b.reserved.amount) > 0
          ? t`${money(b.charged)} charged, up to ${money(b.reserved)} for messages under way of ${money(b.limit)}`
          : t`${money(b.charged)} charged of ${money(b.limit)}`}
      </Text>
    </Stack>
  );
}

/** The budget of a campaign under way, and how it is changed. */
export function BudgetOf(props: { id: string; revision: number; budget: BudgetStateFragment | null }) {
  const [, update] = useMutation(CampaignBudgetDocument);
  return (
    <BudgetForm
      label={t`Budget`}
      description={t`The most that it may cost; changes at once`}
      value={props.budget?.limit.amount ?? ""}
      currency={props.budget?.limit.currency}
      onSave={async (budget) => {
        const answer = await update({ input: { id: props.id, budget, expectedVersion: props.revision } });
        if (answer.error) return errorText(answer.error);
        const errors = answer.data?.campaignUpdate.userErrors ?? [];
        if (errors.length === 0) notifications.show({ message: t`Budget changed`, color: "green" });
        return sentences(errors);
      }}
    />
  );
}
