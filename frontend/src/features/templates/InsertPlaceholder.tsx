import { t } from "@lingui/core/macro";
import { ActionIcon, Box, Button, Combobox, Group, ScrollArea, Text, useCombobox } from "@mantine/core";
import { IconBraces } from "@tabler/icons-react";
import { useState } from "react";
import { fieldName, type Known } from "../../lib/placeholders";
import { share } from "../attributes/value";
import { contactFields } from "./placeholders";

/** The fields that a text can have filled in, with the share of contacts who have them. */
export function InsertPlaceholder(props: {
  attributes: readonly Known[];
  onChoose: (name: string) => void;
  /** For the end of a field of one line: what the field is called. */
  into?: string;
}) {
  const [search, setSearch] = useState("");
  const combobox = useCombobox({
    onDropdownClose: () => {
      combobox.resetSelectedOption();
      setSearch("");
    },
    onDropdownOpen: () => combobox.focusSearchInput(),
  });
  const wanted = search.trim().toLowerCase();
  const fits = (...words: string[]) => words.some((w) => w.toLowerCase().includes(wanted));
  const fields = contactFields.filter((f) => fits(f.label, f.value));
  const attributes = props.attributes
    .map((a) => ({ ...a, value: `attributes.${a.key}`, label: fieldName(`attributes.${a.key}`, props.attributes) }))
    .filter((a) => fits(a.label, a.key));
  return (
    <Combobox
      store={combobox}
      width={280}
      position="bottom-start"
      shadow="md"
      onOptionSubmit={(name) => {
        combobox.closeDropdown();
        props.onChoose(name);
      }}
    >
      <Combobox.Target withAriaAttributes={false}>
        {props.into ? (
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t`Placeholder in ${props.into}`}
            aria-haspopup="listbox"
            aria-expanded={combobox.dropdownOpened}
            onClick={() => combobox.toggleDropdown()}
          >
            <IconBraces size={17} stroke={1.8} />
          </ActionIcon>
        ) : (
          <Button
            size="compact-sm"
            variant="subtle"
            color="gray"
            leftSection={<IconBraces size={17} stroke={1.8} />}
            aria-label={t`Placeholder`}
            aria-haspopup="listbox"
            aria-expanded={combobox.dropdownOpened}
            onClick={() => combobox.toggleDropdown()}
          >
            <Box component="span" visibleFrom="xs">{t`Placeholder`}</Box>
          </Button>
        )}
      </Combobox.Target>
      <Combobox.Dropdown>
        <Combobox.Search
          value={search}
          onChange={(e) => {
            setSearch(e.currentTarget.value);
            combobox.selectFirstOption();
          }}
          placeholder={t`Search fields`}
          aria-label={t`Search fields`}
        />
        <Combobox.Options>
          <ScrollArea.Autosize mah={280} type="scroll">
            {fields.length + attributes.length === 0 && <Combobox.Empty>{t`No field with this name`}</Combobox.Empty>}
            {fields.length > 0 && (
              <Combobox.Group label={t`Contact`}>
                {fields.map((f) => (
                  <Combobox.Option key={f.value} value={f.value}>
                    {f.label}
                  </Combobox.Option>
                ))}
              </Combobox.Group>
            )}
            {attributes.length > 0 && (
              <Combobox.Group label={t`Attributes`}>
                {attributes.map((a) => (
                  <Combobox.Option key={a.value} value={a.value}>
                    <Group justify="space-between" wrap="nowrap" gap="xs">
                      <Text size="sm" truncate>
                        {a.label}
                      </Text>
                      <Text
                        size="xs"
                        c="dimmed"
                        style={{ whiteSpace: "nowrap" }}
                      >{t`${share(a.coverage)} have it`}</Text>
                    </Group>
                  </Combobox.Option>
                ))}
              </Combobox.Group>
            )}
          </ScrollArea.Autosize>
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
