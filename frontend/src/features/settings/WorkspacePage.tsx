import { t } from "@lingui/core/macro";
import { Button, Card, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { useMay, useSession } from "../../app/session";
import { Failed } from "../../components/Failed";
import { Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { WorkspaceQuery } from "../../gql/graphql";
import { byField, errorText, payloadOf } from "../../lib/errors";
import { sentence } from "../../lib/format";
import { locale } from "../../lib/language";
import { notifications } from "../../lib/notifications";
import { product } from "../../lib/title";
import { ownZone } from "../../lib/zone";
import { formWidth, SettingsTab } from "./SettingsTab";

const WorkspaceDocument = graphql(`
  query Workspace {
    settings {
      revision
      workspace {
        name
        timeZone
      }
    }
  }
`);

const WorkspaceUpdateDocument = graphql(`
  mutation WorkspaceUpdate($input: SettingsUpdateInput!) {
    settingsUpdate(input: $input) {
      settings {
        revision
        workspace {
          name
          timeZone
        }
      }
      userErrors {
        field
        message
      }
    }
  }
`);

/** What the workspace is called, and the zone in which its people work. */
export function WorkspacePage() {
  const [{ data, error }, load] = useQuery({ query: WorkspaceDocument });
  return (
    <SettingsTab title={t`Workspace`} description={t`What everybody who works here sees`}>
      {error && !data ? (
        <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
      ) : !data ? (
        <Rows n={2} />
      ) : (
        <Form key={JSON.stringify(data.settings.workspace)} settings={data.settings} />
      )}
    </SettingsTab>
  );
}

const zones = Intl.supportedValuesOf("timeZone");

/** "3:07 PM" there */
const timeIn = (zone: string) =>
  new Intl.DateTimeFormat(locale, { timeStyle: "short", timeZone: zone }).format(new Date());

function Form({ settings }: { settings: WorkspaceQuery["settings"] }) {
  const may = useMay("ADMIN");
  const session = useSession();
  const [name, setName] = useState(settings.workspace.name);
  const [zone, setZone] = useState(settings.workspace.timeZone);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [{ fetching }, update] = useMutation(WorkspaceUpdateDocument);
  const save = async () => {
    const input = { workspace: { name, timeZone: zone }, expectedVersion: settings.revision };
    const result = await update({ input });
    if (result.error) return setErrors({ rest: errorText(result.error) });
    const { fields, rest } = byField(payloadOf(result.data)?.userErrors ?? [], [
      "workspace.name",
      "workspace.timeZone",
    ]);
    setErrors({ ...fields, ...(rest ? { rest } : {}) });
    if (rest || Object.keys(fields).length > 0) return;
    notifications.show({ message: t`Saved`, color: "green" });
    session.reload(); // every page shows the name and counts in the zone
  };
  const changed = name.trim() !== settings.workspace.name || zone !== settings.workspace.timeZone;
  const all = ["UTC", ...zones.filter((z) => z !== "UTC")];
  const told = (field: string) => (errors[field] ? sentence(errors[field]) : undefined);
  return (
    <Card maw={formWidth}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          save();
        }}
      >
        <Stack>
          {errors.rest && (
            <Text size="sm" c="red" role="alert">
              {errors.rest}
            </Text>
          )}
          <TextInput
            label={t`Name`}
            description={t`In the header and in the browser’s tab. Empty: ${product}`}
            placeholder={product}
            maxLength={60}
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
            error={told("workspace.name")}
            disabled={!may}
          />
          <Select
            label={t`Time zone`}
            description={t`Used for all times. Now ${timeIn(zone)}.`}
            searchable
            allowDeselect={false}
            limit={100}
            data={all.includes(zone) ? all : [zone, ...all]}
            value={zone}
            onChange={(v) => setZone(v ?? zone)}
            error={told("workspace.timeZone")}
            disabled={!may}
          />
          {zone !== ownZone && (
            <Text size="xs" c="dimmed">
              {t`This browser is set to ${ownZone}.`}{" "}
              {may && <Button variant="subtle" size="compact-xs" onClick={() => setZone(ownZone)}>{t`Use it`}</Button>}
            </Text>
          )}
          {may && (
            <Group justify="flex-end">
              <Button type="submit" loading={fetching} disabled={!changed}>{t`Save`}</Button>
            </Group>
          )}
        </Stack>
      </form>
    </Card>
  );
}
