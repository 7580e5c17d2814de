import { t } from "@lingui/core/macro";
import { Button, Fieldset, Group, Paper, SegmentedControl, Stack, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { NumberField } from "../../components/NumberField";
import type { TemplateMediaKind } from "../../gql/graphql";
import { Buttons, Line, MediaField, Order, type Props, Said, said } from "./ContentEditor";
import { type Content, newCard, replaced } from "./content";

/** Cards side by side. */
export function CardsEditor({ value, onChange, ...shared }: Props) {
  const cards = value.cards;
  const set = (i: number, changed: Partial<Content["cards"][number]>) =>
    onChange({ cards: replaced(cards, i, changed) });
  return (
    <Stack>
      <Said {...shared} field="content.cards" />
      {cards.map((card, i) => (
        <Fieldset key={i} legend={t`Card ${i + 1}`}>
          <Stack gap="sm">
            <Group justify="space-between">
              <SegmentedControl
                aria-label={t`Medium of card ${i + 1}`}
                readOnly={shared.readOnly}
                value={card.media.kind}
                onChange={(kind) => set(i, { media: { kind: kind as TemplateMediaKind, url: "" } })}
                data={[
                  { value: "IMAGE", label: t`Image` },
                  { value: "VIDEO", label: t`Video` },
                ]}
              />
              <Order
                of={cards}
                at={i}
                name={t`card ${i + 1}`}
                least={2}
                readOnly={shared.readOnly}
                onChange={(next) => onChange({ cards: next })}
              />
            </Group>
            <MediaField
              {...shared}
              label={t`File`}
              field={`content.cards.${i}.media.url`}
              value={card.media}
              onChange={(media) => set(i, { media })}
            />
            <Line
              {...shared}
              label={t`Title`}
              field={`content.cards.${i}.title`}
              placeholders
              value={card.title}
              onChange={(title) => set(i, { title })}
            />
            <Line
              {...shared}
              label={t`Text`}
              field={`content.cards.${i}.body`}
              description={t`Title and text have ${[...card.title, ...card.body].length} of 160 characters`}
              placeholders
              value={card.body}
              onChange={(body) => set(i, { body })}
            />
            <Buttons
              {...shared}
              ofCard
              legend={t`Buttons of the card`}
              field={`content.cards.${i}.buttons`}
              types={["QUICK_REPLY", "URL", "PHONE"]}
              most={2}
              value={card.buttons}
              onChange={(buttons) => set(i, { buttons })}
            />
          </Stack>
        </Fieldset>
      ))}
      {!shared.readOnly && cards.length < 10 && (
        <Button
          variant="default"
          leftSection={<IconPlus size={16} />}
          onClick={() => onChange({ cards: [...cards, newCard(cards[0])] })}
        >{t`Add a card`}</Button>
      )}
    </Stack>
  );
}

/** One choice out of up to ten. */
export function ListEditor({ value, onChange, ...shared }: Props) {
  const list = value.list;
  const set = (changed: Partial<Content["list"]>) => onChange({ list: { ...list, ...changed } });
  return (
    <Stack>
      <Line
        {...shared}
        label={t`Button that opens the list`}
        field="content.list.button"
        max={20}
        placeholders
        value={list.button}
        onChange={(button) => set({ button })}
      />
      <Said {...shared} field="content.list.items" />
      {list.items.map((item, i) => (
        <Paper key={i} withBorder p="sm">
          <Group justify="space-between" mb="xs">
            <Text size="sm" fw={550}>{t`Entry ${i + 1}`}</Text>
            <Order
              of={list.items}
              at={i}
              name={t`entry ${i + 1}`}
              least={1}
              readOnly={shared.readOnly}
              onChange={(items) => set({ items })}
            />
          </Group>
          <Stack gap="sm">
            <Line
              {...shared}
              label={t`Title`}
              field={`content.list.items.${i}.title`}
              max={24}
              placeholders
              value={item.title}
              onChange={(title) => set({ items: replaced(list.items, i, { title }) })}
            />
            <Line
              {...shared}
              label={t`Description`}
              field={`content.list.items.${i}.description`}
              max={72}
              placeholders
              value={item.description}
              onChange={(description) => set({ items: replaced(list.items, i, { description }) })}
            />
          </Stack>
        </Paper>
      ))}
      {!shared.readOnly && list.items.length < 10 && (
        <Button
          variant="default"
          leftSection={<IconPlus size={16} />}
          onClick={() => set({ items: [...list.items, { title: "", description: "", id: "" }] })}
        >{t`Add an entry`}</Button>
      )}
    </Stack>
  );
}

/** A one-time code: WhatsApp writes the text. */
export function AuthenticationEditor({ value, onChange, ...shared }: Props) {
  const a = value.authentication;
  const set = (changed: Partial<Content["authentication"]>) => onChange({ authentication: { ...a, ...changed } });
  return (
    <Stack>
      <Line
        {...shared}
        label={t`Code`}
        description={t`A placeholder: each contact's own code`}
        field="content.authentication.code"
        placeholders
        whole
        value={a.code}
        onChange={(code) => set({ code })}
      />
      <Line
        {...shared}
        label={t`Button that copies the code`}
        field="content.authentication.button"
        max={25}
        value={a.button}
        onChange={(button) => set({ button })}
      />
      <NumberField
        label={t`Expires after`}
        description={t`Minutes, 1 to 90; empty: nothing is said`}
        inputWrapperOrder={["label", "input", "error", "description"]}
        min={1}
        max={90}
        allowDecimal={false}
        readOnly={shared.readOnly}
        value={a.expiresInMinutes ?? ""}
        onChange={(n) => set({ expiresInMinutes: typeof n === "number" ? n : null })}
        error={said(shared, "content.authentication.expiresInMinutes")}
      />
    </Stack>
  );
}

/** Products of the account's catalog. */
export function CatalogEditor({ value, onChange, ...shared }: Props) {
  const c = value.catalog;
  const set = (changed: Partial<Content["catalog"]>) => onChange({ catalog: { ...c, ...changed } });
  return (
    <Stack>
      <Line
        {...shared}
        label={t`Id of the catalog at Meta`}
        field="content.catalog.id"
        value={c.id}
        onChange={(id) => set({ id })}
      />
      <Line
        {...shared}
        label={t`Title`}
        field="content.catalog.title"
        max={60}
        placeholders
        value={c.title}
        onChange={(title) => set({ title })}
      />
      <Line
        {...shared}
        label={t`Subtitle`}
        field="content.catalog.subtitle"
        max={60}
        placeholders
        value={c.subtitle}
        onChange={(subtitle) => set({ subtitle })}
      />
      <Said {...shared} field="content.catalog.items" />
      {c.items.map((item, i) => (
        <Group key={i} align="flex-start" wrap="nowrap" gap="xs">
          <div style={{ flex: 1 }}>
            <Line
              {...shared}
              label={t`Product ${i + 1}`}
              description={t`Its id in the catalog, or one placeholder`}
              field={`content.catalog.items.${i}.id`}
              placeholders
              whole
              value={item.id}
              onChange={(id) => set({ items: replaced(c.items, i, { id }) })}
            />
          </div>
          <div style={{ flex: 1 }}>
            <Line
              {...shared}
              label={t`Section`}
              field={`content.catalog.items.${i}.section`}
              max={24}
              value={item.section}
              onChange={(section) => set({ items: replaced(c.items, i, { section }) })}
            />
          </div>
          <Group mt={26}>
            <Order
              of={c.items}
              at={i}
              name={t`product ${i + 1}`}
              least={0}
              readOnly={shared.readOnly}
              onChange={(items) => set({ items })}
            />
          </Group>
        </Group>
      ))}
      {!shared.readOnly && c.items.length < 30 && (
        <Button
          variant="default"
          leftSection={<IconPlus size={16} />}
          onClick={() => set({ items: [...c.items, { id: "", section: "" }] })}
        >{t`Add a product`}</Button>
      )}
    </Stack>
  );
}

/** A form that was made at Meta. */
export function FlowEditor({ value, onChange, ...shared }: Props) {
  const f = value.flow;
  const set = (changed: Partial<Content["flow"]>) => onChange({ flow: { ...f, ...changed } });
  return (
    <Stack>
      <Line
        {...shared}
        label={t`Id of the flow at Meta`}
        description={t`Publish it there first`}
        field="content.flow.id"
        value={f.id}
        onChange={(id) => set({ id })}
      />
      <Line
        {...shared}
        label={t`Button that opens the form`}
        field="content.flow.button"
        max={25}
        value={f.button}
        onChange={(button) => set({ button })}
      />
      <Line
        {...shared}
        label={t`First screen`}
        description={t`Empty: the one that the flow begins with`}
        field="content.flow.firstScreen"
        value={f.firstScreen}
        onChange={(firstScreen) => set({ firstScreen })}
      />
    </Stack>
  );
}
