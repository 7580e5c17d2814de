import { t } from "@lingui/core/macro";
import { Select } from "@mantine/core";
import { useMemo } from "react";
import { countries, type Options } from "./wizard";

/** Whose numbers those are that name no country. */
export function CountrySelect(props: { value: Options; onChange: (change: Partial<Options>) => void }) {
  const all = useMemo(countries, []);
  return (
    <Select
      label={t`Default country`}
      description={t`For numbers such as 0151 12345678 in rows without a country.`}
      placeholder={t`None`}
      data={all}
      value={props.value.region || null}
      onChange={(v) => props.onChange({ region: v ?? "" })}
      searchable
      clearable
      clearButtonProps={{ "aria-label": t`No country` }}
      nothingFoundMessage={t`No such country`}
    />
  );
}
