import { t } from "@lingui/core/macro";
import { Button, Group, type GroupProps } from "@mantine/core";
import type { ConsentPurpose, ConsentStatus } from "../../gql/graphql";
import type { Decision } from "./ContactConsent";

const names: Record<Decision, string> = {
  "MARKETING OPTED_IN": t`Record opt-in to marketing`,
  "MARKETING OPTED_OUT": t`Record opt-out of marketing`,
  "UTILITY OPTED_IN": t`Record opt-in to utility messages`,
  "UTILITY OPTED_OUT": t`Record opt-out of utility messages`,
};
const texts = { OPTED_IN: t`Record opt-in`, OPTED_OUT: t`Record opt-out` };

/** Begins to record a decision for a purpose, unless it stands there already. */
export function ConsentButtons(
  props: { purpose: ConsentPurpose; status: ConsentStatus; onRecord: (d: Decision) => void } & Pick<GroupProps, "mt">,
) {
  return (
    <Group gap="xs" mt={props.mt}>
      {(["OPTED_IN", "OPTED_OUT"] as const)
        .filter((to) => to !== props.status)
        .map((to) => {
          const decision: Decision = `${props.purpose} ${to}`;
          return (
            <Button
              key={to}
              size="xs"
              variant="default"
              aria-label={names[decision]}
              onClick={() => props.onRecord(decision)}
            >
              {texts[to]}
            </Button>
          );
        })}
    </Group>
  );
}
