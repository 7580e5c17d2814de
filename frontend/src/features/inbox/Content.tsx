import { Anchor, Blockquote, Group, Stack, Text } from "@mantine/core";
import {
  IconArrowForwardUp,
  IconFile,
  IconMapPin,
  IconMicrophone,
  IconPhoto,
  IconUser,
  IconVideo,
} from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { graphql } from "../../gql";
import type { BubbleContentFragment } from "../../gql/graphql";

graphql(`
  fragment BubbleContent on MessageContent {
    kind
    forwarded
    frequentlyForwarded
    location {
      latitude
      longitude
      label
      address
    }
    files {
      contentType
      name
    }
    choice {
      text
      id
    }
    form
    quoted {
      messageId
      body
    }
  }
`);

/** What a message without a text is called: "Photo", "Voice message". */
export const contentName = (kind?: string | null) => (kind && names[kind]) || "(no text)";

const names: Record<string, string> = {
  IMAGE: "Photo",
  VIDEO: "Video",
  AUDIO: "Voice message",
  DOCUMENT: "Document",
  STICKER: "Sticker",
  CONTACTS: "Contact card",
  LOCATION: "Location",
  FORM: "Answers of a form",
  REACTION: "Took a reaction back",
  DELETED: "Deleted a message",
  OTHER: "Unsupported message",
};

const icons = {
  IMAGE: IconPhoto,
  STICKER: IconPhoto,
  VIDEO: IconVideo,
  AUDIO: IconMicrophone,
  CONTACTS: IconUser,
} as const;

const acts: Record<string, string> = {
  REACTION: "Reaction",
  EDITED: "Edited",
  DELETED: "Deleted",
  BUTTON: "Button",
  LIST: "Picked from a list",
};

/** What stands above a message's text: forwarded, quoted, what was done. */
export function ContentHead(props: { content: BubbleContentFragment }) {
  const c = props.content;
  const act = acts[c.kind];
  return (
    <>
      {c.forwarded && (
        <Group gap={4} wrap="nowrap">
          <IconArrowForwardUp size={14} aria-hidden />
          <Text size="xs" c="dimmed" fs="italic">
            {c.frequentlyForwarded ? "Forwarded many times" : "Forwarded"}
          </Text>
        </Group>
      )}
      {c.quoted && (
        <Blockquote p={6} my={4} iconSize={0}>
          <Text size="xs" lineClamp={3} style={{ overflowWrap: "anywhere" }}>
            {c.quoted.messageId ? (
              <Anchor component={Link} to={`/messages/${c.quoted.messageId}`} size="xs">
                {c.quoted.body || "An earlier message"}
              </Anchor>
            ) : (
              "A message that is not kept here"
            )}
          </Text>
        </Blockquote>
      )}
      {act && (
        <Text size="xs" c="dimmed">
          {act}
          {c.choice?.id && c.choice.id !== c.choice.text ? ` · ${c.choice.id}` : ""}
        </Text>
      )}
    </>
  );
}

/** What stands below it: a place on the map, files, the answers of a form. */
export function ContentParts(props: { content: BubbleContentFragment; media: readonly string[] }) {
  const { content: c, media } = props;
  const at = c.location;
  const Icon = icons[c.kind as keyof typeof icons] ?? IconFile;
  return (
    <Stack gap={2}>
      {at && (
        <Group gap={4} wrap="nowrap" align="flex-start">
          <IconMapPin size={16} aria-hidden style={{ flex: "none" }} />
          <div>
            <Anchor
              href={`https://www.openstreetmap.org/?mlat=${at.latitude}&mlon=${at.longitude}#map=16/${at.latitude}/${at.longitude}`}
              target="_blank"
              rel="noreferrer"
              size="sm"
            >
              {at.label || `${at.latitude}, ${at.longitude}`}
            </Anchor>
            {at.address && <Text size="xs">{at.address}</Text>}
          </div>
        </Group>
      )}
      {media.map((url, n) => (
        <Group key={url} gap={4} wrap="nowrap">
          <Icon size={16} aria-hidden style={{ flex: "none" }} />
          <Anchor href={url} target="_blank" rel="noreferrer" size="sm" style={{ overflowWrap: "anywhere" }}>
            {c.files[n]?.name || contentName(c.kind)}
          </Anchor>
          <Text size="xs" c="dimmed">
            {c.files[n]?.contentType ?? ""}
          </Text>
        </Group>
      ))}
      {c.form && (
        <Text size="xs" ff="monospace" style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
          {c.form}
        </Text>
      )}
    </Stack>
  );
}
