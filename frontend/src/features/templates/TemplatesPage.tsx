import { Button, Card, Group, Select, Table, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconMessage2, IconPlus, IconRefresh, IconSearch } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { DeleteButton, Empty, LinkButton, Page, Rows, Status } from "../../components/ui";
import { When } from "../../components/When";
import { graphql } from "../../gql";
import type { TemplateApproval } from "../../gql/graphql";
import { useAddress, useAddressText } from "../../lib/address";
import { settled } from "../../lib/errors";
import { counted, words } from "../../lib/format";
import { plainText } from "../../lib/whatsapp";
import { useAttributes } from "../attributes/useAttributes";
import { fieldName, findPlaceholders, type Known, readPlaceholder } from "./placeholders";

const TemplatesDocument = graphql(`
  query Templates($filter: TemplateFilter) {
    templates(filter: $filter, first: 100) {
      nodes {
        id
        name
        language
        languageName
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

/** The text with the names of its fields, for a line of a list. */
const withFields = (body: string, attributes: readonly Known[]) =>
  findPlaceholders(body).reduceRight((text, { from, to, source }) => {
    const name = readPlaceholder(source)?.name;
    return name ? `${text.slice(0, from)}‹${fieldName(name, attributes)}›${text.slice(to)}` : text;
  }, body);

const approvals = ["DRAFT", "SUBMITTED", "APPROVED", "REJECTED", "PAUSED", "DISABLED", "WINDOW_ONLY"];

export function TemplatesPage() {
  const { search, change } = useAddress();
  const [text, setText] = useAddressText("q");
  const attributes = useAttributes();
  const may = useMay("MARKETER");
  const approvalStatus = approvals.includes(search.status ?? "") ? (search.status as TemplateApproval) : null;
  const [{ data, error }, load] = useQuery({
    query: TemplatesDocument,
    variables: { filter: { search: search.q ?? null, approvalStatus } },
  });
  const [syncing, sync] = useMutation(TemplateSyncDocument);
  const [, remove] = useMutation(TemplateDeleteDocument);
  const waiting = data?.templates.nodes.some((t) => t.approvalStatus === "SUBMITTED");
  useEffect(() => {
    if (!waiting) return;
    const timer = setInterval(() => load({ requestPolicy: "network-only" }), 1500);
    return () => clearInterval(timer);
  }, [waiting, load]);
  return (
    <Page
      title="Templates"
      description="What you write; WhatsApp approves it before it can go out"
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
                  notifications.show({ message: `Asked Twilio about ${result.data?.templateSync.checked} templates` });
                  load({ requestPolicy: "network-only" });
                }
              }}
            >
              Sync with Twilio
            </Button>
            <LinkButton to="/templates/$id" params={{ id: "new" } as never} leftSection={<IconPlus size={16} />}>
              New template
            </LinkButton>
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
          title="No templates yet"
          action={
            may && (
              <LinkButton to="/templates/$id" params={{ id: "new" } as never}>
                Write one
              </LinkButton>
            )
          }
        >
          “Hi {"{{name | there}}"}, our autumn sale has started.” Placeholders fill in from each contact.
        </Empty>
      ) : (
        <>
          <Group>
            <TextInput
              aria-label="Search templates"
              placeholder="Name"
              leftSection={<IconSearch size={16} />}
              data-page-search
              value={text}
              onChange={(e) => setText(e.currentTarget.value)}
              w={{ base: "100%", xs: 320 }}
            />
            <Select
              aria-label="Approval"
              placeholder="Any approval"
              clearable
              data={approvals.map((value) => ({ value, label: words(value) }))}
              value={approvalStatus}
              onChange={(v) => change({ status: v ?? undefined })}
            />
          </Group>
          {data.templates.nodes.length === 0 ? (
            <Text c="dimmed" ta="center">
              No template matches.
            </Text>
          ) : (
            <Card padding={0}>
              <Table className="cards">
                <Table.Thead>
                  <Table.Tr>
                    {["Name", "Language", "Category", "Approval", "Campaigns", "Changed", ""].map((h) => (
                      <Table.Th key={h} aria-label={h || "Actions"}>
                        {h}
                      </Table.Th>
                    ))}
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {data.templates.nodes.map((t) => (
                    <Table.Tr key={t.id}>
                      <Table.Td data-label="Name" maw={{ sm: 420 }}>
                        <Link to="/templates/$id" params={{ id: t.id }} className="plain">
                          {t.name}
                        </Link>
                        <Text size="xs" c="dimmed" lineClamp={1}>
                          {plainText(withFields(t.body, attributes))}
                        </Text>
                      </Table.Td>
                      <Table.Td data-label="Language">
                        {t.languageName}{" "}
                        <Text span size="xs" c="dimmed">
                          {t.language}
                        </Text>
                      </Table.Td>
                      <Table.Td data-label="Category">{words(t.category)}</Table.Td>
                      <Table.Td data-label="Approval" maw={{ sm: 320 }}>
                        <Status value={t.approvalStatus} />
                        {t.rejectionReason && (
                          <Text size="xs" c="red" mt={4}>
                            {t.rejectionReason}
                          </Text>
                        )}
                        {t.advice && (
                          <Text size="xs" c="dimmed" mt={2}>
                            {t.advice}
                          </Text>
                        )}
                      </Table.Td>
                      <Table.Td data-label="Campaigns">
                        {t.campaignCount ? (
                          counted(t.campaignCount, "campaign", "campaigns")
                        ) : (
                          <Text span size="sm" c="dimmed">
                            None yet
                          </Text>
                        )}
                      </Table.Td>
                      <Table.Td data-label="Changed">
                        <When at={t.updatedAt} />
                      </Table.Td>
                      <Table.Td>
                        {may && (
                          <Group justify="flex-end">
                            <DeleteButton
                              name={t.name}
                              onDelete={async () => settled(await remove({ input: { id: t.id } }))}
                            >
                              It goes from this list. Campaigns that have ended keep it for the record.
                            </DeleteButton>
                          </Group>
                        )}
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Card>
          )}
        </>
      )}
    </Page>
  );
}
