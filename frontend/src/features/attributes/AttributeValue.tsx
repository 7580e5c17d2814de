import { Badge, Group } from "@mantine/core";
import type { AttributeType } from "../../gql/graphql";
import { show } from "./value";

/** A contact's value, shown by what the attribute holds: the entries of a list as badges. */
export function AttributeValue(props: { value: unknown; type?: AttributeType }) {
  const shown = show(props.value, props.type);
  if (typeof shown === "string") return <>{shown}</>;
  if (shown.length === 0) return <>–</>;
  return (
    <Group gap={4} display="inline-flex">
      {shown.map((entry) => (
        <Badge key={entry} variant="light" color="gray" tt="none" fw={500} maw="100%">
          {entry}
        </Badge>
      ))}
    </Group>
  );
}
