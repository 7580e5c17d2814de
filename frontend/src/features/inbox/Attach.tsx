import { t } from "@lingui/core/macro";
import { ActionIcon, CloseButton, Group, Paper, Text } from "@mantine/core";
import { IconFileText, IconPaperclip, IconPhoto, IconVideo } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import { DropdownMenu } from "../../components/Dropdown";
import type { LibraryFileFragment, TemplateMediaKind } from "../../gql/graphql";
import { bytes } from "../../lib/format";

const MediaPicker = lazy(() => import("../templates/MediaPicker"));

const kinds: { kind: TemplateMediaKind; label: string; icon: typeof IconPhoto }[] = [
  { kind: "IMAGE", label: t`Image`, icon: IconPhoto },
  { kind: "VIDEO", label: t`Video`, icon: IconVideo },
  { kind: "DOCUMENT", label: t`Document`, icon: IconFileText },
];

/** Attaches a file to a reply: one of the library, or one that is uploaded for it. */
export function AttachButton(props: { onChoose: (file: LibraryFileFragment) => void }) {
  const [picking, pick] = useState<TemplateMediaKind | null>(null);
  return (
    <>
      <DropdownMenu
        position="top-end"
        target={
          <ActionIcon
            variant="subtle"
            color="gray"
            size={36}
            aria-label={t`Attach a file`}
            data-hint={t`Attach a file`}
          >
            <IconPaperclip size={20} />
          </ActionIcon>
        }
      >
        {(Menu) =>
          kinds.map((k) => (
            <Menu.Item key={k.kind} leftSection={<k.icon size={16} />} onClick={() => pick(k.kind)}>
              {k.label}
            </Menu.Item>
          ))
        }
      </DropdownMenu>
      {picking && (
        <Suspense>
          <MediaPicker
            kind={picking}
            forReply
            onClose={() => pick(null)}
            onChoose={(file) => {
              pick(null);
              props.onChoose(file);
            }}
          />
        </Suspense>
      )}
    </>
  );
}

/** The file that goes with a reply. */
export function Attached(props: { file: LibraryFileFragment; onRemove: () => void }) {
  const { file } = props;
  const Icon = kinds.find((k) => k.kind === file.kind)?.icon ?? IconPaperclip;
  return (
    <Paper withBorder radius="md" p={6} mb={6}>
      <Group gap="xs" wrap="nowrap">
        {file.kind === "IMAGE" ? (
          <img src={file.url} alt="" width={44} height={44} style={{ objectFit: "cover", borderRadius: 6 }} />
        ) : (
          <Icon size={22} aria-hidden />
        )}
        <div style={{ minWidth: 0, flex: 1 }}>
          <Text dir="auto" size="sm" fw={500} truncate>
            {file.name}
          </Text>
          <Text size="xs" c="dimmed">
            {bytes(file.size)}
          </Text>
        </div>
        <CloseButton aria-label={t`Remove ${file.name}`} onClick={props.onRemove} />
      </Group>
    </Paper>
  );
}
