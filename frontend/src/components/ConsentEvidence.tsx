import { t } from "@lingui/core/macro";
import { Text } from "@mantine/core";
import { graphql } from "../gql";
import type { ConsentEvidenceFragment } from "../gql/graphql";
import { moment } from "../lib/format";

graphql(`
  fragment ConsentEvidence on ConsentEvent {
    evidence
    text {
      id
      version
      locale
      content
    }
  }
`);

const labels: Record<string, string> = {
  text: t`Text`,
  textId: t`Text version`,
  language: t`Language`,
  file: t`File`,
  row: t`Row`,
  ip: t`IP address`,
  messageSid: t`Message`,
  note: t`Note`,
  rule: t`Rule`,
  words: t`Version of the words`,
  answer: t`Answer`,
  agreedAt: t`Agreed at first`,
};

/** What proves a decision: the text that was shown, by its version, and whatever else was noted. */
export function ConsentEvidence(props: { event: ConsentEvidenceFragment; none: string; lineClamp?: number }) {
  const { evidence, text } = props.event;
  const parts = Object.entries(evidence as Record<string, unknown>)
    .filter(([k]) => !(text && ["text", "textId", "textSha256", "language"].includes(k)))
    .map(([k, v]) => `${labels[k] ?? k}: ${k === "agreedAt" ? moment(String(v)) : String(v)}`);
  if (text) {
    parts.unshift(
      text.locale
        ? t`“${text.content}” (text version ${text.version}, ${text.locale})`
        : t`“${text.content}” (text version ${text.version})`,
    );
  }
  return (
    <Text size="sm" lineClamp={props.lineClamp} style={{ overflowWrap: "anywhere" }}>
      {parts.join(" · ") || props.none}
    </Text>
  );
}
