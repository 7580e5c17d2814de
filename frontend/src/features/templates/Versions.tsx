import { t } from "@lingui/core/macro";
import { Button, Card, Group, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { Rows, Status } from "../../components/ui";
import { When } from "../../components/When";
import { graphql } from "../../gql";
import { errorText, payloadOf } from "../../lib/errors";
import { sentence } from "../../lib/format";
import { modals } from "../../lib/modals";
import { real } from "../../lib/node";
import { notifications } from "../../lib/notifications";
import { readContent } from "./content";
import classes from "./Versions.module.css";
import { changes, written } from "./versions";

const VersionsDocument = graphql(`
  query TemplateVersions($id: ID!) {
    node(id: $id) {
      ... on Template {
        id
        revision
        versions {
          number
          body
          content {
            ...TemplateContentParts
          }
          approvalStatus
          rejectionReason
          createdAt
        }
      }
    }
  }
`);

const RestoreDocument = graphql(`
  mutation TemplateVersionRestore($input: TemplateVersionRestoreInput!) {
    templateVersionRestore(input: $input) {
      template {
        id
        revision
        version
        body
        content {
          ...TemplateContentParts
        }
        approvalStatus
        rejectionReason
        advice
      }
      userErrors {
        field
        message
      }
    }
  }
`);

/** Which versions can be sent without another review, once somebody goes back to them. */
const reviewed = ["APPROVED", "WINDOW_ONLY"];

/** What a template has said, each version beside the newest, and the way back to one. */
export function Versions({ id, onRestored }: { id: string; onRestored: () => void }) {
  const may = useMay("MARKETER");
  const [{ data, error }, load] = useQuery({
    query: VersionsDocument,
    variables: { id },
    requestPolicy: "cache-and-network",
  });
  const [restoring, restore] = useMutation(RestoreDocument);
  const [problem, setProblem] = useState("");
  const template = real(data?.node, "Template");
  if (error && !template) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  const newest = template?.versions[0];
  if (!template || !newest) return <Rows />;
  const now = written(newest.body, readContent(newest.content));
  const goBack = async (number: number, approved: boolean) => {
    setProblem("");
    const result = await restore({ input: { id, version: number, expectedVersion: template.revision } });
    const refused = result.error
      ? errorText(result.error)
      : payloadOf(result.data)
          ?.userErrors.map((e) => e.message)
          .join("; ");
    if (refused) return setProblem(refused);
    notifications.show({
      message: approved
        ? t`Version ${number} is the newest again, and can be sent at once.`
        : t`Version ${number} is the newest again, as a draft: submit it for approval.`,
      color: "green",
    });
    onRestored();
  };
  const ask = (number: number, approved: boolean) =>
    modals.openConfirmModal({
      title: t`Go back to version ${number}?`,
      children: (
        <Text size="sm">
          {approved
            ? t`WhatsApp has approved what it says: campaigns that you launch from now on send it. Campaigns under way keep their version, and no version is lost.`
            : t`It becomes a draft that WhatsApp has to approve before it can be sent. Campaigns under way keep their version, and no version is lost.`}
        </Text>
      ),
      labels: { confirm: t`Go back`, cancel: t`Cancel` },
      onConfirm: () => void goBack(number, approved),
    });
  return (
    <Stack>
      {problem && (
        <Text c="red" role="alert">
          {sentence(problem)}
        </Text>
      )}
      {template.versions.map((v) => {
        const text = written(v.body, readContent(v.content));
        const approved = reviewed.includes(v.approvalStatus);
        return (
          <Card key={v.number} component="section" aria-label={t`Version ${v.number}`}>
            <Stack gap="xs">
              <Group justify="space-between">
                <Group gap="xs">
                  <Text fw={600}>{t`Version ${v.number}`}</Text>
                  <Status value={v.approvalStatus} />
                  <Text size="sm" c="dimmed">
                    <When at={v.createdAt} />
                  </Text>
                </Group>
                {may && text !== now && (
                  <Button
                    size="xs"
                    variant="default"
                    loading={restoring.fetching}
                    onClick={() => ask(v.number, approved)}
                  >{t`Go back to it`}</Button>
                )}
              </Group>
              {v.rejectionReason && (
                <Text size="sm" c="red">
                  {t`WhatsApp says: ${v.rejectionReason}`}
                </Text>
              )}
              <Text component="div" dir="auto" size="sm" className={classes.text}>
                {v === newest
                  ? now
                  : changes(text, now).map((piece, i) =>
                      piece.is === "same" ? (
                        piece.text
                      ) : piece.is === "added" ? (
                        <ins key={i}>{piece.text}</ins>
                      ) : (
                        <del key={i}>{piece.text}</del>
                      ),
                    )}
              </Text>
              {v !== newest && (
                <Text size="xs" c="dimmed">
                  {text === now
                    ? t`Says what the newest version says.`
                    : t`Crossed out: what only this version says. Underlined: what the newest has instead.`}
                </Text>
              )}
            </Stack>
          </Card>
        );
      })}
    </Stack>
  );
}
