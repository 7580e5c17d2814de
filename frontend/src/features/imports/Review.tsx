import { plural, t } from "@lingui/core/macro";
import { Alert, Button, Card, Group, List, MultiSelect, Select, Stack, Text, Title } from "@mantine/core";
import { IconAlertTriangle, IconFileCheck, IconInfoCircle } from "@tabler/icons-react";
import { useState } from "react";
import { contacts, messages, sentence } from "../../lib/format";
import { Columns } from "./Columns";
import { CountrySelect } from "./CountrySelect";
import type { ImportState } from "./ImportRun";
import { OptionsForm } from "./OptionsForm";
import { brought, Figures, Running } from "./Outcome";
import { Questions } from "./Questions";
import { Rejected } from "./Rejected";
import {
  type Column,
  corrected,
  keyOf,
  type LeftOut,
  mappingInput,
  type Options,
  type Question,
  readingOf,
  recognized,
  remembered,
  stillToDo,
} from "./wizard";

/** The preview of an import, with everything that can be corrected before it is made. */
export function Review(props: {
  import: ImportState;
  options: Options;
  onOptions: (change: Partial<Options>) => void;
  onSheet?: (sheet: string) => void;
  busy: boolean;
  problem: string;
  onRun: (dryRun: boolean, options: Options, mapping: { name: string; field: string }[]) => Promise<boolean>;
  onStop: () => void;
  onAgain: () => void;
}) {
  const { import: i, options } = props;
  const [edits, setEdits] = useState<Record<string, string>>(() =>
    i.mapped ? Object.fromEntries(i.columns.map((c) => [c.name, c.field])) : {},
  );
  const [answered, setAnswered] = useState<Question[]>([]);
  const [leftOut, setLeftOut] = useState<LeftOut>({});
  const columns = corrected(i.columns, edits);
  const mapping = mappingInput(i.columns, edits);
  const [previewed, setPreviewed] = useState(() => readingOf(options, mapping));
  const asked = remembered(answered, i.questions);
  const running = !i.finishedAt;
  const busy = running || props.busy;
  const run = async (dryRun: boolean, o: Options) => {
    if (await props.onRun(dryRun, o, mapping)) setPreviewed(readingOf(o, mapping));
  };
  const keep = (about: Question["about"]) =>
    setAnswered([...answered.filter((q) => q.about !== about), ...asked.filter((q) => q.about === about)]);
  /** What is answered is shown at once, by another preview. */
  const answer = (about: "NUMBERS" | "DATES", change: Partial<Options>, leave: boolean) => {
    keep(about);
    setLeftOut({ ...leftOut, [about]: leave });
    props.onOptions(change);
    const next = { ...options, ...change };
    if (next.numbers !== options.numbers || next.dateOrder !== options.dateOrder) run(true, next);
  };
  const map = (name: string, field: string) => setEdits({ ...edits, [name]: field });
  const usable = i.created + i.updated + i.unchanged + i.duplicates;
  const todo = stillToDo({
    asked,
    leftOut,
    options,
    columns,
    changed: previewed !== readingOf(options, mapping),
    usable,
  });
  const changed = previewed !== readingOf(options, mapping);
  const notes = i.warnings.filter((w) => !i.questions.some((q) => q.text === w));
  const unreadable = i.status === "FAILED" && !i.startedAt; // stopped before it began: no column holds numbers
  const ended = i.status === "COMPLETED";
  return (
    <Stack>
      <Card>
        <Stack>
          <Group justify="space-between" align="flex-start">
            <Group gap="sm" wrap="nowrap" align="flex-start">
              <IconFileCheck size={28} stroke={1.5} aria-hidden style={{ flex: "none", marginTop: 2 }} />
              <div>
                <Title order={2} size="h4" style={{ overflowWrap: "anywhere" }}>
                  {i.fileName}
                </Title>
                <Text size="sm" c="dimmed" data-testid="recognized">
                  {recognized(i)} · {plural(i.columns.length, { one: "# column", other: "# columns" })}
                </Text>
              </div>
            </Group>
            {i.sheets.length > 1 && (
              <Select
                label={t`Sheet`}
                data={[...i.sheets]}
                value={i.sheet ?? null}
                onChange={(v) => v && v !== i.sheet && props.onSheet?.(v)}
                allowDeselect={false}
                disabled={busy || !props.onSheet}
                description={props.onSheet ? undefined : t`Choose the file again to read another sheet.`}
              />
            )}
          </Group>
          <Running import={i} />
          {notes.map((w) => (
            <Alert key={w} color="yellow" icon={<IconAlertTriangle />}>
              {w}
            </Alert>
          ))}
          {i.status === "FAILED" && !unreadable && (
            <Alert color="red" title={t`This file cannot be imported`} icon={<IconAlertTriangle />}>
              {sentence(i.failure ?? "")}
            </Alert>
          )}
          {i.status === "CANCELED" && (
            <Alert color="yellow" title={t`The preview was stopped`}>{t`Choose the file again to import it.`}</Alert>
          )}
          {unreadable ? (
            <WhichColumn
              failure={i.failure ?? ""}
              guessed={i.columns.some((c) => c.field === "address")}
              columns={columns}
              onMap={(fields) => setEdits({ ...edits, ...fields })}
              options={options}
              onOptions={props.onOptions}
            />
          ) : (
            <>
              {ended && (
                <Alert
                  color="blue"
                  icon={<IconInfoCircle />}
                >{t`This is a preview. Nothing has been imported yet.`}</Alert>
              )}
              <Figures import={i} preview />
              {i.doubleOptIn && ended && (
                <Text size="sm">{t`${plural(i.optInRequests, { one: "# person", other: "# people" })} will be asked on WhatsApp to confirm.`}</Text>
              )}
              {i.messages && ended && (
                <Text size="sm">{t`${brought(i.messages)} Nobody gets consent by a log, and nothing is sent because of it. It counts for frequency caps, 24-hour windows and segments.`}</Text>
              )}
            </>
          )}
        </Stack>
      </Card>
      {ended && (
        <Questions
          asked={asked}
          log={i.messages !== null}
          options={options}
          leftOut={leftOut}
          columns={columns}
          onNumbers={(v) => answer("NUMBERS", { numbers: v }, v === null)}
          onDates={(v) => answer("DATES", { dateOrder: v }, v === null)}
          onConsent={(change) => {
            keep("CONSENT");
            props.onOptions(change);
          }}
        />
      )}
      {ended && i.rejected > 0 && (
        <Card>
          <Rejected id={i.id} run={i.finishedAt ?? ""} rejected={i.rejected} url={i.rejectsUrl} />
        </Card>
      )}
      {(ended || unreadable) && !i.messages && (
        <Card>
          <Columns columns={columns} onChange={map} />
        </Card>
      )}
      {ended && !i.messages && (
        <Card>
          <Title order={3} size="h5" mb="sm">{t`Options`}</Title>
          <OptionsForm
            value={options}
            onChange={props.onOptions}
            asksNumbers={asked.some((q) => q.about === "NUMBERS")}
            asksDates={asked.some((q) => q.about === "DATES")}
          />
        </Card>
      )}
      {props.problem && (
        <Alert color="red" role="alert" title={t`The file could not be read this way`} icon={<IconAlertTriangle />}>
          {props.problem}
        </Alert>
      )}
      {ended && !busy && todo.length > 0 && (
        <Alert color="yellow" title={t`Before you can import`} data-testid="todo">
          <List size="sm">
            {todo.map((thing) => (
              <List.Item key={thing}>{thing}</List.Item>
            ))}
          </List>
        </Alert>
      )}
      <Group justify="flex-end">
        {running ? (
          <Button variant="outline" color="red" onClick={props.onStop}>{t`Stop`}</Button>
        ) : (
          <Button variant="subtle" onClick={props.onAgain}>{t`Discard`}</Button>
        )}
        {unreadable && <Button loading={busy} onClick={() => run(true, options)}>{t`Continue`}</Button>}
        {ended && (
          <>
            {changed && <Button loading={busy} onClick={() => run(true, options)}>{t`Update preview`}</Button>}
            <Button
              variant={changed ? "default" : "filled"}
              loading={busy}
              disabled={todo.length > 0}
              onClick={() => run(false, options)}
            >
              {i.messages
                ? t`Import ${messages(i.created)}`
                : t`Import ${contacts(i.created + i.updated + i.unchanged)}`}
            </Button>
          </>
        )}
      </Group>
    </Stack>
  );
}

/** The question that a file without readable numbers leaves. */
function WhichColumn(props: {
  failure: string;
  guessed: boolean;
  columns: readonly Column[];
  onMap: (fields: Record<string, string>) => void;
  options: Options;
  onOptions: (change: Partial<Options>) => void;
}) {
  const phones = props.columns.filter((c) => c.field === "address").map((c) => c.name);
  const choose = (names: string[]) => {
    const added = names.filter((n) => !phones.includes(n)).map((n) => [n, "address"]);
    const removed = phones.filter((n) => !names.includes(n)).map((n) => [n, `attributes.${keyOf(n)}`]);
    props.onMap(Object.fromEntries([...added, ...removed]));
  };
  return (
    <>
      <Alert color="yellow" title={t`No phone numbers were found in this file`} icon={<IconAlertTriangle />}>
        {props.guessed
          ? sentence(props.failure)
          : t`Choose the columns that hold them, and the country if the numbers have no country code.`}
      </Alert>
      <MultiSelect
        label={t`Which columns hold the phone numbers?`}
        placeholder={phones.length === 0 ? t`Choose at least one` : undefined}
        data={props.columns.map((c) => ({
          value: c.name,
          label: c.samples[0] ? `${c.name} (${c.samples[0]})` : c.name,
        }))}
        value={phones}
        onChange={choose}
        searchable
        required
      />
      <CountrySelect value={props.options} onChange={props.onOptions} />
      <Select
        label={t`Numbers without +`}
        value={props.options.numbers ?? ""}
        onChange={(v) => props.onOptions({ numbers: (v || null) as Options["numbers"] })}
        data={[
          { value: "", label: t`Detect for each number` },
          { value: "NATIONAL", label: t`Without the country code` },
          { value: "INTERNATIONAL", label: t`With the country code` },
        ]}
        allowDeselect={false}
      />
    </>
  );
}
