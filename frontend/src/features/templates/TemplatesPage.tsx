import { Button, Card, Group, Table, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconMessage2, IconPlus, IconRefresh } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { DeleteButton, Empty, LinkButton, Page, Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import { settled } from "../../lib/errors";
import { moment, words } from "../../lib/format";

const TemplatesDocument = graphql(`
  query Templates {
    templates(first: 100) {
      nodes {
        id
        name
        language
        category
        body
        version
        approvalStatus
        rejectionReason
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

export function TemplatesPage() {
  const may = useMay("MARKETER");
  const [{ data, error }, load] = useQuery({ query: TemplatesDocument });
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
      ) : data.templates.nodes.length === 0 ? (
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
        <Card padding={0}>
          <Table className="cards">
            <Table.Thead>
              <Table.Tr>
                {["Name", "Text", "Category", "Approval", "Changed", ""].map((h) => (
                  <Table.Th key={h} aria-label={h || "Actions"}>
                    {h}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {data.templates.nodes.map((t) => (
                <Table.Tr key={t.id}>
                  <Table.Td data-label="Name">
                    <Link to="/templates/$id" params={{ id: t.id }} className="plain">
                      {t.name}
                    </Link>
                    <Text size="xs" c="dimmed">
                      {t.language} · version {t.version}
                    </Text>
                  </Table.Td>
                  <Table.Td data-label="Text">
                    <Text size="sm" lineClamp={2} maw={420}>
                      {t.body}
                    </Text>
                  </Table.Td>
                  <Table.Td data-label="Category">{words(t.category)}</Table.Td>
                  <Table.Td data-label="Approval">
                    <Status value={t.approvalStatus} />
                    {t.rejectionReason && (
                      <Text size="xs" c="red">
                        {t.rejectionReason}
                      </Text>
                    )}
                  </Table.Td>
                  <Table.Td data-label="Changed">{moment(t.updatedAt)}</Table.Td>
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
    </Page>
  );
}
