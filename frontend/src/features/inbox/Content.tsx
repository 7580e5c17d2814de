import { t } from "@lingui/core/macro";
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
import { useState } from "react";
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
export const contentName = (kind?: string | null) => (kind && names[kind]) || t`(no text)`;

const names: Record<string, string> = {
  IMAGE: t`Photo`,
  VIDEO: t`Video`,
  AUDIO: t`Voice message`,
  DOCUMENT: t`Document`,
  STICKER: t`Sticker`,
  CONTACTS: t`Contact card`,
  LOCATION: t`Location`,
  FORM: t`Answers of a form`,
  REACTION: t`Took a reaction back`,
  DELETED: t`Deleted a message`,
  OTHER: t`Unsupported message`,
};

const icons = {
  IMAGE: IconPhoto,
  STICKER: IconPhoto,
  VIDEO: IconVideo,
  AUDIO: IconMicrophone,
  CONTACTS: IconUser,
} as const;

const acts: Record<string, string> = {
  REACTION: t`Reaction`,
  EDITED: t`Edited`,
  DELETED: t`Deleted`,
  BUTTON: t`Button`,
  LIST: t`Picked from a list`,
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
            {c.frequentlyForwarded ? t`Forwarded many times` : t`Forwarded`}
          </Text>
        </Group>
      )}
      {c.quoted && (
        <Blockquote p={6} my={4} iconSize={0}>
          <Text size="xs" lineClamp={3} style={{ overflowWrap: "anywhere" }}>
            {c.quoted.messageId ? (
              <Anchor component={Link} to={`/messages/${c.quoted.messageId}`} size="xs">
                {c.quoted.body ? <bdi>{c.quoted.body}</bdi> : t`An earlier message`}
              </Anchor>
            ) : (
              t`A message that is not kept here`
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
export function ContentParts(props: { message: string; content: BubbleContentFragment; media: readonly string[] }) {
  const { content: c, media } = props;
  const at = c.location;
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
        <MediaPart
          key={url}
          // What Twilio keeps takes our credentials: it comes through our server.
          src={url.startsWith("https://api.twilio.com/") ? `/downloads/messages/${props.message}/media/${n}` : url}
          kind={c.kind}
          file={c.files[n]}
        />
      ))}
      {c.form && (
        <Text size="xs" ff="monospace" style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
          {c.form}
        </Text>
      )}
    </Stack>
  );
}

/** A file that came with a message: a picture or a sound is there, all else is a link with its name. */
function MediaPart(props: { src: string; kind: string; file: BubbleContentFragment["files"][number] | undefined }) {
  const { src, kind, file } = props;
  const [broken, setBroken] = useState(false);
  const name = file?.name || contentName(kind);
  const type = file?.contentType ?? "";
  const ours = src.startsWith("/"); // pages load nothing from other places
  if (ours && !broken && type.startsWith("image/"))
    return (
      <a href={src} target="_blank" rel="noreferrer">
        <img className="thread-picture" src={src} alt={name} loading="lazy" onError={() => setBroken(true)} />
      </a>
    );
  if (ours && !broken && type.startsWith("audio/"))
    return (
      // biome-ignore lint/a11y/useMediaCaption: nobody has written down what a contact says
      <audio className="thread-sound" controls preload="none" src={src} onError={() => setBroken(true)}>
        {name}
      </audio>
    );
  const Icon = icons[kind as keyof typeof icons] ?? IconFile;
  return (
    <Group gap={4} wrap="nowrap">
      <Icon size={16} aria-hidden style={{ flex: "none" }} />
      <Anchor
        href={src}
        target="_blank"
        rel="noreferrer"
        size="sm"
        underline="always"
        style={{ overflowWrap: "anywhere" }}
      >
        {name}
      </Anchor>
      <Text size="xs" c="dimmed">
        {broken ? t`cannot be shown` : type}
      </Text>
    </Group>
  );
}
