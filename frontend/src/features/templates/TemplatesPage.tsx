import { plural, t } from "@lingui/core/macro";
import { Button, Card, Group, Select, Table, Text, TextInput } from "@mantine/core";
import { IconMessage2, IconPlus, IconRefresh, IconSearch } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { useMutation } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { Awaited, Further } from "../../components/Further";
import { DeleteButton, Empty, LinkButton, Page, Rows, Status } from "../../components/ui";
import { When } from "../../components/When";
import { graphql } from "../../gql";
import type { TemplateApproval, TemplateFilter } from "../../gql/graphql";
import { chosen, useAddress, useAddressText } from "../../lib/address";
import { settled } from "../../lib/errors";
import { count, languageName, words } from "../../lib/format";
import { useLasting } from "../../lib/lasting";
import { notifications } from "../../lib/notifications";
import { withFields } from "../../lib/placeholders";
import { plainText } from "../../lib/whatsapp";
import { useAttributes } from "../attributes/useAttributes";

const TemplatesDocument = graphql(`
  query Templates($filter: TemplateFilter, $after: String) {
    templates(filter: $filter, first: 50, after: $after) {
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        name
        language
        category
        body
        version
        approvalStatus
        rejectionReason
        advice
        campaignCount
        updatedAt
      }
    }
  }
`);

const TemplateSyncDocument = graphql(`
  mutation TemplateSync {
    templateSync {
      checked
      userErrors {
        message
      }
    }
  }
`);

const TemplateDeleteDocument = graphql(`
  mutation TemplateDelete($input: TemplateDeleteInput!) {
    templateDelete(input: $input) {
      deletedId
      userErrors {
        message
      }
    }
  }
`);

const approvals: TemplateApproval[] = [
  "DRAFT",
  "SUBMITTED",
  "APPROVED",
  "REJECTED",
  "PAUSED",
  "DISABLED",
  "WINDOW_ONLY",
];

export function TemplatesPage() {
  const { search, change } = useAddress();
  const [text, setText] = useAddressText("q");
  const may = useMay("MARKETER");
  const approvalStatus = chosen(approvals, search.status);
  const filter = { search: search.q ?? null, approvalStatus };
  const [{ data, error }, load] = useLasting({ query: TemplatesDocument, variables: { filter, after: null } });
  const [syncing, sync] = useMutation(TemplateSyncDocument);
  return (
    <Page
      title={t`Templates`}
      description={t`WhatsApp approves each template before it can be sent`}
      actions={
        may && (
          <>
            <Button
              variant="default"
              leftSection={<IconRefresh size={16} />}
              loading={syncing.fetching}
              onClick={async () => {
                const result = await sync({});
                if (settled(result)) {
                  notifications.show({
                    message: plural(result.data?.templateSync.checked ?? 0, {
                      one: "Asked Twilio about # template",
                      other: "Asked Twilio about # templates",
                    }),
                  });
                  load({ requestPolicy: "network-only" });
                }
              }}
            >{t`Sync with Twilio`}</Button>
            <LinkButton
              to="/templates/$id"
              params={{ id: "new" }}
              leftSection={<IconPlus size={16} />}
            >{t`New template`}</LinkButton>
          </>
        )
      }
    >
      {error ? (
        <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
      ) : !data ? (
        <Rows />
      ) : data.templates.nodes.length === 0 && !search.q && !approvalStatus ? (
        <Empty
          icon={<IconMessage2 />}
          title={t`No templates yet`}
          action={may && <LinkButton to="/templates/$id" params={{ id: "new" }}>{t`Write one`}</LinkButton>}
        >{t`“Hi ${"{{name | there}}"}, our autumn sale has started.” Placeholders fill in from each contact.`}</Empty>
      ) : (
        <>
          <Group>
            <TextInput
              aria-label={t`Search templates`}
              placeholder={t`Search by name`}
              leftSection={<IconSearch size={16} />}
              data-page-search
              value={text}
              onChange={(e) => setText(e.currentTarget.value)}
              w={{ base: "100%", xs: 320 }}
            />
            <Select
              aria-label={t`Approval`}
              placeholder={t`Any approval`}
              w={{ base: "100%", xs: 258 }}
              clearable
              data={approvals.map((value) => ({ value, label: words(value) }))}
              value={approvalStatus}
              onChange={(v) => change({ status: v ?? undefined })}
            />
          </Group>
          {data.templates.nodes.length === 0 ? (
            <Text c="dimmed" ta="center">{t`No template matches.`}</Text>
          ) : (
            <Card padding={0}>
              <Table className="cards">
                <Table.Thead>
                  <Table.Tr>
                    {[t`Name`, t`Language`, t`Category`, t`Approval`, t`Campaigns`, t`Changed`, ""].map((h) => (
                      <Table.Th key={h} aria-label={h || t`Actions`}>
                        {h}
                      </Table.Th>
                    ))}
                  </Table.Tr>
                </Table.Thead>
                <TemplateRows key={JSON.stringify(filter)} filter={filter} after={null} />
              </Table>
            </Card>
          )}
        </>
      )}
    </Page>
  );
}

/** A page of the list, which looks again while WhatsApp decides about something on it. */
function TemplateRows(props: { filter: TemplateFilter; after: string | null }) {
  const may = useMay("MARKETER");
  const attributes = useAttributes();
  const [{ data, error }, load] = useLasting({ query: TemplatesDocument, variables: props });
  const [, remove] = useMutation(TemplateDeleteDocument);
  const waiting = data?.templates.nodes.some((template) => template.approvalStatus === "SUBMITTED");
  useEffect(() => {
    if (!waiting) return;
    const timer = setInterval(() => load({ requestPolicy: "network-only" }), 1500);
    return () => clearInterval(timer);
  }, [waiting, load]);
  if (!data) return <Awaited columns={7} error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  return (
    <>
      <Table.Tbody>
        {data.templates.nodes.map((template) => (
          <Table.Tr key={template.id}>
            <Table.Td data-label={t`Name`} maw={{ sm: 420 }}>
              <Link to="/templates/$id" params={{ id: template.id }} className="plain">
                {template.name}
              </Link>
              <Text dir="auto" size="xs" c="dimmed" lineClamp={1}>
                {plainText(withFields(template.body, attributes))}
              </Text>
            </Table.Td>
            <Table.Td data-label={t`Language`}>{languageName(template.language)}</Table.Td>
            <Table.Td data-label={t`Category`}>{words(template.category)}</Table.Td>
            <Table.Td data-label={t`Approval`} maw={{ sm: 320 }}>
              <Status value={template.approvalStatus} />
              {template.rejectionReason && (
                <Text size="xs" c="red" mt={4}>
                  {template.rejectionReason}
                </Text>
              )}
              {template.advice && (
                <Text size="xs" c="dimmed" mt={2}>
                  {template.advice}
                </Text>
              )}
            </Table.Td>
            <Table.Td data-label={t`Campaigns`}>
              {template.campaignCount ? (
                count(template.campaignCount)
              ) : (
                <Text span size="sm" c="dimmed">{t`None yet`}</Text>
              )}
            </Table.Td>
            <Table.Td data-label={t`Changed`}>
              <When at={template.updatedAt} />
            </Table.Td>
            <Table.Td>
              {may && (
                <Group justify="flex-end">
                  <DeleteButton
                    name={template.name}
                    onDelete={async () => settled(await remove({ input: { id: template.id } }))}
                  >{t`It disappears from this list. Campaigns that have ended keep it for the record.`}</DeleteButton>
                </Group>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
      <Further
        page={data.templates.pageInfo}
        columns={7}
        next={(cursor) => <TemplateRows filter={props.filter} after={cursor} />}
      />
    </>
  );
}
