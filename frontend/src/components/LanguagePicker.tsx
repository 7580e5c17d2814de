import { t } from "@lingui/core/macro";
import { NativeSelect } from "@mantine/core";
import { browserLanguage, chooseLanguage, chosenLanguage, type Language, languages } from "../lib/language";

/** The language of the pages: the browser's, or one that is chosen. */
export function LanguagePicker(props: {
  label?: string;
  description?: string;
  onChoose?: (l: Language | null) => void;
}) {
  return (
    <NativeSelect
      label={props.label}
      description={props.description}
      aria-label={props.label ? undefined : t`Language`}
      size={props.label ? "sm" : "xs"}
      defaultValue={chosenLanguage() ?? ""}
      data={[
        { value: "", label: t`Browser language (${languages[browserLanguage]})` },
        ...Object.entries(languages).map(([value, label]) => ({ value, label })),
      ]}
      onChange={(e) => {
        const chosen = (e.currentTarget.value || null) as Language | null;
        if (props.onChoose) props.onChoose(chosen);
        else chooseLanguage(chosen);
      }}
    />
  );
}
