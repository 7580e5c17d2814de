import { type NumberInputProps, TextInput } from "@mantine/core";
import { later, useLater } from "../lib/later";

const library = later(() => import("./NumberField.library"));

/** A field for a number. The library's, which reads and writes numbers as people do, is loaded with the first of them. */
export function NumberField(props: NumberInputProps) {
  const there = useLater(library, true);
  if (there) return <there.NumberInput {...props} />;
  const { label, description, placeholder, error, size, w, maw, miw, flex, leftSection, rightSection } = props;
  return (
    <TextInput
      {...{ label, description, placeholder, error, size, w, maw, miw, flex, leftSection, rightSection }}
      aria-label={props["aria-label"]}
      withAsterisk={props.withAsterisk ?? props.required}
      value={props.value ?? props.defaultValue ?? ""}
      readOnly
    />
  );
}
