import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { Text } from "@mantine/core";
import { Fragment } from "react";
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

/** What a list leaves to the contact's page: a reader has no use for it there. */
export const seldomRead = ["messageSid", "rule", "words"];

/** What proves a decision: the text that was shown, by its version, and whatever else was noted. */
export function ConsentEvidence(props: {
  event: ConsentEvidenceFragment;
  none: string;
  /** In a list. */
  brief?: boolean;
}) {
  const { evidence, text } = props.event;
  const noted = Object.entries(evidence as Record<string, unknown>).filter(
    ([k]) =>
      !(text && ["text", "textId", "textSha256", "language"].includes(k)) && !(props.brief && seldomRead.includes(k)),
  );
  const content = <bdi>{text?.content}</bdi>;
  const version = <bdi>{text?.version}</bdi>;
  const locale = <bdi>{text?.locale}</bdi>;
  return (
    <Text size="sm" lineClamp={props.brief ? 2 : undefined} style={{ overflowWrap: "anywhere" }}>
      {text &&
        (text.locale ? (
          <Trans>
            “{content}” (text version {version}, {locale})
          </Trans>
        ) : (
          <Trans>
            “{content}” (text version {version})
          </Trans>
        ))}
      {noted.map(([k, v], i) => (
        <Fragment key={k}>
          {(text || i > 0) && " · "}
          {labels[k] ?? k}: {k === "agreedAt" ? moment(String(v)) : <bdi>{String(v)}</bdi>}
        </Fragment>
      ))}
      {!text && noted.length === 0 && (Object.keys(evidence as object).length > 0 ? "–" : props.none)}
    </Text>
  );
}
