import { t } from "@lingui/core/macro";
import { Card, Radio, Select, Stack, Text, Textarea } from "@mantine/core";
import { type ReactNode, useEffect, useState } from "react";
import { useQuery } from "urql";
import { AskToConfirm } from "../../components/AskToConfirm";
import { graphql } from "../../gql";
import type { ImportConsentSource, ImportDateOrder, ImportNumbers } from "../../gql/graphql";
import { moment } from "../../lib/format";
import { type Column, evidenceMissing, type LeftOut, type Options, type Question, readingText } from "./wizard";

const ConsentTextsDocument = graphql(`
  query ConsentTexts {
    consentTexts(first: 50) {
      nodes {
        id
        version
        content
        locale
        createdAt
      }
    }
  }
`);

/** What only the operator can tell of a file. */
export function Questions(props: {
  asked: readonly Question[];
  /** Of messages: it says nothing of consent. */
  log: boolean;
  options: Options;
  leftOut: LeftOut;
  columns: readonly Column[];
  onNumbers: (v: ImportNumbers | null) => void;
  onDates: (v: ImportDateOrder | null) => void;
  onConsent: (change: Partial<Options>) => void;
}) {
  const { asked, options, leftOut } = props;
  const numbers = asked.find((q) => q.about === "NUMBERS");
  const dates = asked.filter((q) => q.about === "DATES");
  const consentDates = dates.some((q) => props.columns.some((c) => c.name === q.column && c.field === "consent_at"));
  return (
    <Stack>
      {numbers && (
        <Choice
          title={t`How are numbers without + written in this file?`}
          why={numbers.text}
          value={options.numbers ?? (leftOut.NUMBERS ? leave : null)}
          onChange={(v) => props.onNumbers(v === leave ? null : (v as ImportNumbers))}
          answers={[
            { value: "NATIONAL", label: t`Without the country code`, hint: readingText(numbers, 0) },
            { value: "INTERNATIONAL", label: t`With the country code`, hint: readingText(numbers, 1) },
            { value: leave, label: t`I do not know. Leave out the rows for which it matters.` },
          ]}
        />
      )}
      {dates.length > 0 && (
        <Choice
          title={t`Do the dates in this file start with the day or the month?`}
          why={dates.map((q) => q.text).join(" ")}
          value={options.dateOrder ?? (leftOut.DATES ? leave : null)}
          onChange={(v) => props.onDates(v === leave ? null : (v as ImportDateOrder))}
          answers={[
            { value: "DAY_FIRST", label: t`Day first`, hint: readingText(dates[0] as Question, 0) },
            { value: "MONTH_FIRST", label: t`Month first`, hint: readingText(dates[0] as Question, 1) },
            {
              value: leave,
              label: consentDates
                ? t`I do not know. Leave out the rows for which it matters.`
                : t`I do not know. Keep these dates as text.`,
            },
          ]}
        />
      )}
      {!props.log && (
        <Consent
          asked={asked.filter((q) => q.about === "CONSENT")}
          options={options}
          columns={props.columns}
          onChange={props.onConsent}
        />
      )}
    </Stack>
  );
}

const leave = "LEAVE";

function Consent(props: {
  asked: readonly Question[];
  options: Options;
  columns: readonly Column[];
  onChange: (change: Partial<Options>) => void;
}) {
  const { asked, options } = props;
  const column = props.columns.find((c) => c.field === "consent");
  const optOuts = column || props.columns.some((c) => c.field === "opt_out");
  const standing = asked.length > 0 ? null : column ? "COLUMNS" : "NONE";
  const value = options.consent ?? standing;
  const needed = evidenceMissing({ ...options, consent: value, consentText: "" }, asked.length > 0);
  return (
    <Choice
      title={t`Did these people agree to WhatsApp messages from you?`}
      why={
        <>
          {asked.length > 0
            ? asked.map((q) => `${q.text} `)
            : `${t`Contacts without recorded consent are left out of campaigns. Opt-outs in the file are always kept.`} `}
          {t`Nobody who opted out is opted in again without newer proof.`}
        </>
      }
      value={value}
      onChange={(v) => props.onChange({ consent: v as ImportConsentSource })}
      answers={[
        ...(column
          ? [
              {
                value: "COLUMNS",
                label:
                  asked.length > 0
                    ? t`Yes, where the column “${column.name}” says so`
                    : t`As the column “${column.name}” says, row by row`,
              },
            ]
          : []),
        { value: "ALL", label: optOuts ? t`Yes, everyone who has not opted out` : t`Yes, everyone in this file` },
        { value: "NONE", label: column ? t`No, or I am not sure. Do not record consent.` : t`Do not record consent` },
      ]}
    >
      {value !== "NONE" && value !== null && (
        <Stack>
          <ConsentText
            options={options}
            required={needed}
            onChange={(change) => props.onChange({ consent: value, ...change })}
          />
          <AskToConfirm
            many
            checked={options.doubleOptIn}
            onChange={(doubleOptIn) => props.onChange({ consent: value, doubleOptIn })}
          />
        </Stack>
      )}
    </Choice>
  );
}

/** What people agreed to: a text of before by its version, or another one. */
function ConsentText(props: {
  options: Options;
  required: boolean;
  onChange: (change: Pick<Options, "consentText" | "consentTextId">) => void;
}) {
  const { options, onChange } = props;
  const [{ data }] = useQuery({ query: ConsentTextsDocument, requestPolicy: "cache-and-network" });
  const texts = data?.consentTexts.nodes ?? [];
  const chosen = options.consentTextId;
  // After a reload the import tells the words alone, which are those of a version. What is typed stays as it is.
  const [restored, setRestored] = useState(options.consentText);
  const same = texts.find((text) => text.content === restored.trim());
  useEffect(() => {
    if (chosen || !same || options.consentText !== restored) return;
    setRestored("");
    onChange({ consentText: same.content, consentTextId: same.id });
  }, [chosen, same?.id]);
  return (
    <>
      {texts.length > 0 && (
        <Select
          label={t`An earlier text`}
          description={t`As these people were shown it; or write another one below.`}
          placeholder={t`None of them`}
          data={texts.map((text) => ({ value: text.id, label: `${text.version}: ${firstLine(text.content)}` }))}
          renderOption={({ option }) => {
            const text = texts.find((x) => x.id === option.value);
            return (
              text && (
                <div style={{ minWidth: 0 }}>
                  <Text size="sm" truncate>
                    {firstLine(text.content)}
                  </Text>
                  <Text
                    size="xs"
                    c="dimmed"
                  >{t`Version ${text.version}${text.locale && ` · ${text.locale}`} · ${moment(text.createdAt)}`}</Text>
                </div>
              )
            );
          }}
          value={chosen}
          onChange={(id) => {
            setRestored("");
            onChange({ consentText: texts.find((text) => text.id === id)?.content ?? "", consentTextId: id });
          }}
          searchable
          clearable
          clearButtonProps={{ "aria-label": t`None of them` }}
          nothingFoundMessage={t`No such text`}
        />
      )}
      <Textarea
        label={t`What did they agree to, and where?`}
        description={t`Kept with each contact as evidence.`}
        placeholder={t`“Send me offers on WhatsApp”, checkbox of the sign-up form, May 2026`}
        required={props.required}
        autosize
        minRows={2}
        maxLength={4000}
        value={options.consentText}
        onChange={(e) => {
          setRestored("");
          onChange({ consentText: e.currentTarget.value, consentTextId: null });
        }}
      />
    </>
  );
}

const firstLine = (text: string) => text.trim().split("\n", 1)[0] ?? "";

function Choice(props: {
  title: string;
  why: ReactNode;
  value: string | null;
  onChange: (value: string) => void;
  answers: { value: string; label: string; hint?: string }[];
  children?: ReactNode;
}) {
  const open = props.value === null;
  return (
    <Card style={open ? { borderColor: "var(--mantine-color-yellow-6)", borderLeftWidth: 4 } : undefined}>
      <Radio.Group
        label={props.title}
        description={props.why}
        required={open}
        value={props.value}
        onChange={props.onChange}
        labelProps={{ fz: "md", fw: 600 }}
        descriptionProps={{ fz: "sm", maw: 760, mt: 4 }}
      >
        <Stack gap="sm" mt="sm">
          {props.answers.map((a) => (
            <Radio
              key={a.value}
              value={a.value}
              label={a.label}
              description={a.hint}
              styles={{ description: { fontSize: "var(--mantine-font-size-sm)" } }}
            />
          ))}
        </Stack>
      </Radio.Group>
      {props.children && (
        <Text component="div" mt="md" maw={760}>
          {props.children}
        </Text>
      )}
    </Card>
  );
}
