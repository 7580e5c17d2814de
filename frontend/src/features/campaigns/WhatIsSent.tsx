import { t } from "@lingui/core/macro";
import { Card, Stack, Title } from "@mantine/core";
import { TemplateMessage, TemplateMessageById } from "../../components/TemplateMessage";
import type { CampaignSettingsFragment } from "../../gql/graphql";
import { templateText } from "../templates/choices";
import { Line } from "./Line";
import { audienceText } from "./outcome";
import { sendersText } from "./schedule";

/** What goes out, to whom and from whom: whoever launches it sees it beside the figures. */
export function WhatIsSent({ campaign: c }: { campaign: CampaignSettingsFragment }) {
  return (
    <Card>
      <Title order={2} size="h4" mb="sm">{t`What is sent`}</Title>
      <Stack gap="xs">
        {c.variants.length > 0
          ? c.variants.map((v) => (
              <Stack key={v.label} gap="xs">
                <Line label={t`Variant ${v.label}`}>{templateText(v.template)}</Line>
                <div className="paper-phone">
                  <TemplateMessageById id={v.template.id} />
                </div>
              </Stack>
            ))
          : c.template && (
              <>
                <div className="paper-phone">
                  <TemplateMessage template={c.template} />
                </div>
                <Line label={t`Template`}>{c.template.name}</Line>
              </>
            )}
        <Line label={t`Segment`}>{audienceText(c)}</Line>
        {c.topic && <Line label={t`Topic`}>{c.topic.name}</Line>}
        <Line label={c.senders.length > 1 ? t`Senders` : t`Sender`}>{sendersText(c.senders) || t`None yet`}</Line>
      </Stack>
    </Card>
  );
}
