import { type NumberInputProps, TextInput } from "@mantine/core";
import { useRef } from "react";
import { later, useLater } from "../lib/later";

const library = later(() => import("./NumberField.library"));

/** A field for a number. The library's, which reads and writes numbers as people do, is loaded with the first of them. */
export function NumberField(props: NumberInputProps) {
  const there = useLater(library, true);
  const focused = useRef(false);
  if (there) return <there.NumberInput autoFocus={focused.current} {...props} />;
  const { id, label, description, placeholder, error, size, w, maw, miw, flex, leftSection, rightSection, disabled } =
    props;
  return (
    <TextInput
      {...{ id, label, description, placeholder, error, size, w, maw, miw, flex, leftSection, rightSection, disabled }}
      onFocus={() => {
        focused.current = true;
      }}
      onBlur={() => {
        focused.current = false;
      }}
      aria-label={props["aria-label"]}
      withAsterisk={props.withAsterisk ?? props.required}
      value={props.value ?? props.defaultValue ?? ""}
      readOnly
    />
  );
}
