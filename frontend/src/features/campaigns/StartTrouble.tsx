import { t } from "@lingui/core/macro";
import { Alert, Button, Stack, Text } from "@mantine/core";
import { useMutation } from "urql";
import { settled } from "../../lib/errors";
import { moment, sentence } from "../../lib/format";
import type { CampaignDetails } from "./CampaignPage";
import { CampaignLaunchDocument } from "./launch";

/** Why a scheduled campaign could not start yet, and the way to try it now. */
export function StartTrouble({ campaign: c, may }: { campaign: CampaignDetails; may: boolean }) {
  const [launching, launch] = useMutation(CampaignLaunchDocument);
  const input = { id: c.id, undoSeconds: 0 };
  return (
    <Alert color="red" title={t`It could not start yet`}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm">
          {sentence(c.startError ?? "")}{" "}
          {c.startRetryAt ? t`It is tried again ${moment(c.startRetryAt)}.` : t`It is tried again.`}
        </Text>
        {may && (
          <Button
            size="xs"
            variant="default"
            loading={launching.fetching}
            onClick={async () => settled(await launch({ input }))}
          >{t`Try now`}</Button>
        )}
      </Stack>
    </Alert>
  );
}
