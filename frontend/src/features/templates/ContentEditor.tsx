import { t } from "@lingui/core/macro";
import {
  ActionIcon,
  Button,
  Divider,
  Group,
  Input,
  Paper,
  SegmentedControl,
  Stack,
  Switch,
  Text,
  TextInput,
} from "@mantine/core";
import {
  IconArrowDown,
  IconArrowUp,
  IconCopy,
  IconCornerUpLeft,
  IconExternalLink,
  IconPhone,
  IconPhoto,
  IconPlus,
  IconTrash,
  type TablerIcon,
} from "@tabler/icons-react";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { DropdownMenu } from "../../components/Dropdown";
import { Medium } from "../../components/WhatsAppMessage";
import type { TemplateButtonType, TemplateMediaKind } from "../../gql/graphql";
import { count, sentence } from "../../lib/format";
import type { Known } from "../../lib/placeholders";
import { type Button as Action, buttonLimit, type Content, type Media, moved, newButton, replaced } from "./content";
import { InsertPlaceholder } from "./InsertPlaceholder";
import { freshPlaceholder, writePlaceholder } from "./placeholders";

const MediaPicker = lazy(() => import("./MediaPicker"));

type Shared = { errors: Record<string, string>; attributes: readonly Known[]; readOnly: boolean };
export type Props = Shared & { value: Content; onChange: (changed: Partial<Content>) => void };

/** What stands above the text. */
export function HeaderEditor({ value, onChange, ...shared }: Props) {
  const h = value.header;
  const chosen = !h ? "NONE" : "media" in h ? h.media.kind : "TEXT";
  return (
    <Stack gap="xs">
      <Input.Wrapper label={t`Header`} labelElement="div" error={said(shared, "content.header")}>
        <SegmentedControl
          mt={4}
          aria-label={t`Header`}
          fullWidth
          className="five-choices"
          readOnly={shared.readOnly}
          value={chosen}
          onChange={(v) =>
            onChange({
              header:
                v === "NONE"
                  ? null
                  : v === "TEXT"
                    ? { text: "" }
                    : { media: { kind: v as TemplateMediaKind, url: "" } },
            })
          }
          data={[
            { value: "NONE", label: t`None` },
            { value: "TEXT", label: t`Text` },
            { value: "IMAGE", label: t`Image` },
            { value: "VIDEO", label: t`Video` },
            { value: "DOCUMENT", label: t`Document` },
          ]}
        />
      </Input.Wrapper>
      {h && "text" in h && (
        <Line
          {...shared}
          label={t`Text of the header`}
          field="content.header.text"
          max={60}
          placeholders
          value={h.text}
          onChange={(text) => onChange({ header: { text } })}
        />
      )}
      {h && "media" in h && (
        <MediaField
          {...shared}
          label={t`File of the header`}
          field="content.header.media.url"
          value={h.media}
          onChange={(media) => onChange({ header: { media } })}
        />
      )}
    </Stack>
  );
}

/** What stands below the text. */
export function FooterAndButtons({ value, onChange, ...shared }: Props) {
  return (
    <Stack>
      <Line
        {...shared}
        label={t`Footer`}
        description={t`Small and grey, such as “Reply STOP to end”`}
        field="content.footer"
        max={60}
        value={value.footer}
        onChange={(footer) => onChange({ footer })}
      />
      <Buttons
        {...shared}
        legend={t`Buttons`}
        field="content.buttons"
        types={["QUICK_REPLY", "URL", "PHONE", "COPY_CODE"]}
        value={value.buttons}
        onChange={(buttons) => onChange({ buttons })}
      />
    </Stack>
  );
}

const actions: { type: TemplateButtonType; label: string; hint: string; icon: TablerIcon }[] = [
  { type: "QUICK_REPLY", label: t`Quick reply`, hint: t`Answers with its title`, icon: IconCornerUpLeft },
  { type: "URL", label: t`Open a page`, hint: t`A web address`, icon: IconExternalLink },
  { type: "PHONE", label: t`Call a number`, hint: t`Dials from the phone`, icon: IconPhone },
  { type: "COPY_CODE", label: t`Copy a code`, hint: t`An offer code`, icon: IconCopy },
];

export function Buttons(
  props: Shared & {
    legend: string;
    /** Of a card of several. */
    ofCard?: boolean;
    field: string;
    types: TemplateButtonType[];
    most?: number;
    value: Action[];
    onChange: (next: Action[]) => void;
  },
) {
  const { value, onChange, field } = props;
  const shared = { errors: props.errors, attributes: props.attributes, readOnly: props.readOnly };
  const set = (i: number, changed: Partial<Action>) => onChange(replaced(value, i, changed));
  const full = props.most !== undefined && value.length >= props.most;
  return (
    <Stack gap="xs" component="section" aria-label={props.legend}>
      <Input.Label component="div">{props.legend}</Input.Label>
      <Said {...shared} field={field} />
      {value.map((b, i) => {
        const action = actions.find((a) => a.type === b.type);
        const what = props.ofCard ? t`button of the card ${i + 1}` : t`button ${i + 1}`;
        return (
          <Paper key={i} withBorder p="sm">
            <Group justify="space-between" wrap="nowrap" mb={6}>
              <Group gap={6} wrap="nowrap">
                {action && <action.icon size={16} aria-hidden />}
                <Text size="sm" fw={550}>
                  {action?.label}
                </Text>
              </Group>
              <Order of={value} at={i} name={what} least={0} readOnly={props.readOnly} onChange={onChange} />
            </Group>
            <Group grow align="flex-start" preventGrowOverflow={false}>
              {b.type !== "COPY_CODE" && (
                <Line
                  {...shared}
                  label={t`Title`}
                  field={`${field}.${i}.title`}
                  max={25}
                  value={b.title}
                  onChange={(title) => set(i, { title })}
                />
              )}
              {b.type === "URL" && (
                <Line
                  {...shared}
                  label={t`Address`}
                  field={`${field}.${i}.url`}
                  placeholder={t`https://`}
                  placeholders
                  value={b.url}
                  onChange={(url) => set(i, { url })}
                />
              )}
              {b.type === "PHONE" && (
                <Line
                  {...shared}
                  label={t`Number`}
                  field={`${field}.${i}.phone`}
                  placeholder="+49 30 123456"
                  value={b.phone}
                  onChange={(phone) => set(i, { phone: phone.replace(/[^+\d]/g, "") })}
                />
              )}
              {b.type === "COPY_CODE" && (
                <Line
                  {...shared}
                  label={t`Code`}
                  field={`${field}.${i}.code`}
                  max={20}
                  placeholders
                  whole
                  value={b.code}
                  onChange={(code) => set(i, { code })}
                />
              )}
            </Group>
            {b.type === "URL" && (
              <Switch
                mt="xs"
                size="sm"
                label={t`Track clicks`}
                description={t`The button gets a short link that forwards to this address, so that campaigns can show who opened it`}
                disabled={props.readOnly}
                checked={b.track}
                onChange={(e) => set(i, { track: e.currentTarget.checked })}
              />
            )}
          </Paper>
        );
      })}
      {!props.readOnly && !full && (
        <DropdownMenu
          position="bottom-start"
          width={240}
          target={
            <Button
              variant="default"
              leftSection={<IconPlus size={16} />}
              style={{ alignSelf: "flex-start" }}
            >{t`Add a button`}</Button>
          }
        >
          {(Menu) => (
            <>
              {actions
                .filter((a) => props.types.includes(a.type))
                .map((a) => {
                  const limit = buttonLimit(value, a.type);
                  return (
                    <Menu.Item
                      key={a.type}
                      leftSection={<a.icon size={16} />}
                      disabled={limit !== null}
                      onClick={() => onChange(together(value, newButton(a.type)))}
                    >
                      {a.label}
                      <Text size="xs" c="dimmed">
                        {limit ?? a.hint}
                      </Text>
                    </Menu.Item>
                  );
                })}
            </>
          )}
        </DropdownMenu>
      )}
    </Stack>
  );
}

/** WhatsApp wants the buttons that answer side by side: a new one joins those that there are. */
function together(buttons: readonly Action[], added: Action): Action[] {
  const last = buttons.findLastIndex((b) => (b.type === "QUICK_REPLY") === (added.type === "QUICK_REPLY"));
  return last < 0 ? [...buttons, added] : [...buttons.slice(0, last + 1), added, ...buttons.slice(last + 1)];
}

/** Moves an entry, or takes it out. */
export function Order<T>(props: {
  of: readonly T[];
  at: number;
  name: string;
  least: number;
  readOnly: boolean;
  onChange: (next: T[]) => void;
}) {
  const { of, at } = props;
  if (props.readOnly) return null;
  const step = (label: string, icon: ReactNode, disabled: boolean, next: () => T[]) => (
    <ActionIcon
      data-hint={label}
      variant="subtle"
      color="gray"
      aria-label={label}
      disabled={disabled}
      onClick={() => props.onChange(next())}
    >
      {icon}
    </ActionIcon>
  );
  return (
    <Group gap={2} wrap="nowrap">
      {step(t`Move ${props.name} up`, <IconArrowUp size={16} />, at === 0, () => moved(of, at, at - 1))}
      {step(t`Move ${props.name} down`, <IconArrowDown size={16} />, at === of.length - 1, () => moved(of, at, at + 1))}
      {step(t`Remove ${props.name}`, <IconTrash size={16} />, of.length <= props.least, () =>
        of.filter((_, i) => i !== at),
      )}
    </Group>
  );
}

export const said = (shared: Pick<Shared, "errors">, field: string) => {
  const text = shared.errors[field];
  return text ? sentence(text) : undefined;
};

/** What is wrong with several fields together. */
export function Said(props: Pick<Shared, "errors"> & { field: string }) {
  const text = said(props, props.field);
  return text ? <Input.Error role="alert">{text}</Input.Error> : null;
}

/** A text of one line, with its length and, where it may hold them, placeholders. */
export function Line(
  props: Shared & {
    label: string;
    field: string;
    description?: string;
    placeholder?: string;
    max?: number;
    placeholders?: boolean;
    /** A placeholder replaces the text, as it cannot stand beside words. */
    whole?: boolean;
    value: string;
    onChange: (text: string) => void;
  },
) {
  const length = [...props.value].length;
  const counted = props.max && length > 0 ? t`${count(length)} of ${count(props.max)} characters` : undefined;
  return (
    <TextInput
      label={props.label}
      description={[props.description, counted].filter(Boolean).join(" · ") || undefined}
      inputWrapperOrder={["label", "input", "error", "description"]}
      placeholder={props.placeholder}
      value={props.value}
      onChange={(e) => props.onChange(e.currentTarget.value)}
      error={said(props, props.field)}
      readOnly={props.readOnly}
      rightSection={
        props.placeholders && !props.readOnly ? (
          <InsertPlaceholder
            into={props.label}
            attributes={props.attributes}
            onChoose={(name) => {
              const inserted = `{{${writePlaceholder(freshPlaceholder(name, props.attributes))}}}`;
              props.onChange(props.whole ? inserted : props.value + inserted);
            }}
          />
        ) : undefined
      }
    />
  );
}

/** A file of the library, or an address elsewhere. */
export function MediaField(
  props: Shared & { label: string; field: string; value: Media; onChange: (media: Media) => void },
) {
  const [picking, setPicking] = useState(false);
  const own = props.value.url.startsWith("/media/");
  const error = said(props, props.field) ?? said(props, props.field.replace(/url$/, "kind"));
  const choose = (
    <Button
      variant="default"
      leftSection={<IconPhoto size={16} />}
      onClick={() => setPicking(true)}
      disabled={props.readOnly}
    >
      {own ? t`Change` : t`From the library`}
    </Button>
  );
  return (
    <>
      {own ? (
        <Paper withBorder p="xs">
          <Group wrap="nowrap">
            <div style={{ width: 96, flex: "none" }}>
              <Medium kind={props.value.kind} url={props.value.url} />
            </div>
            <Text size="sm" flex={1} truncate>
              {props.value.url.split("/").pop()}
            </Text>
            {choose}
            {!props.readOnly && (
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={t`Remove the file`}
                onClick={() => props.onChange({ ...props.value, url: "" })}
              >
                <IconTrash size={16} />
              </ActionIcon>
            )}
          </Group>
          {error && <Input.Error mt={4}>{error}</Input.Error>}
        </Paper>
      ) : (
        <Stack gap={6}>
          <Group>{choose}</Group>
          <Divider label={t`or an address elsewhere`} labelPosition="left" />
          <Line
            errors={{ [props.field]: error ?? "" }}
            attributes={props.attributes}
            readOnly={props.readOnly}
            label={t`${props.label}: web address`}
            field={props.field}
            placeholder={t`https://…/picture.jpg`}
            placeholders
            value={props.value.url}
            onChange={(url) => props.onChange({ ...props.value, url })}
          />
        </Stack>
      )}
      {picking && (
        <Suspense>
          <MediaPicker
            kind={props.value.kind}
            onClose={() => setPicking(false)}
            onChoose={({ kind, url }) => {
              props.onChange({ kind, url });
              setPicking(false);
            }}
          />
        </Suspense>
      )}
    </>
  );
}
