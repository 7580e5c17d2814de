import { Avatar } from "@mantine/core";
import { IconUser } from "@tabler/icons-react";

/** Whose name is known by their initials, each in one of some quiet colours; others as a figure. */
export function Initials(props: { name: string; size?: number }) {
  const named = /\p{L}/u.test(props.name);
  return (
    <Avatar
      size={props.size ?? 36}
      radius="xl"
      name={named ? props.name : undefined}
      color={named ? "initials" : "gray"}
      allowedInitialsColors={["brand", "blue", "grape", "yellow"]}
      alt=""
      aria-hidden
    >
      {named ? undefined : <IconUser size="55%" stroke={1.7} />}
    </Avatar>
  );
}
