import { t } from "@lingui/core/macro";
import {
  ActionIcon,
  Alert,
  Button,
  FileButton,
  Group,
  Loader,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
  UnstyledButton,
} from "@mantine/core";
import { Dropzone } from "@mantine/dropzone";
import { useDebouncedValue } from "@mantine/hooks";
import { IconPhotoUp, IconSearch, IconTrash, IconUpload } from "@tabler/icons-react";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { Dialog } from "../../components/Dialog";
import { Failed } from "../../components/Failed";
import { Medium } from "../../components/WhatsAppMessage";
import { graphql } from "../../gql";
import type { LibraryFileFragment, TemplateMediaKind } from "../../gql/graphql";
import { errorText, sentences, settled } from "../../lib/errors";
import { bytes, sentence } from "../../lib/format";
import { modals } from "../../lib/modals";
import classes from "./MediaPicker.module.css";

graphql(`
  fragment LibraryFile on MediaFile {
    id
    name
    kind
    size
    width
    height
    url
  }
`);
const MediaFilesDocument = graphql(`
  query MediaFiles($filter: MediaFileFilter) {
    mediaFiles(filter: $filter, first: 60) {
      nodes {
        ...LibraryFile
      }
    }
  }
`);
const MediaUploadDocument = graphql(`
  mutation MediaUpload($input: MediaUploadInput!) {
    mediaUpload(input: $input) {
      media {
        ...LibraryFile
      }
      userErrors {
        message
      }
    }
  }
`);
const MediaDeleteDocument = graphql(`
  mutation MediaDelete($input: MediaDeleteInput!) {
    mediaDelete(input: $input) {
      deletedId
      userErrors {
        message
      }
    }
  }
`);

const wrongKind: Record<TemplateMediaKind, (file: string) => string> = {
  IMAGE: (file) => t`“${file}” is in the library, but it is no image.`,
  VIDEO: (file) => t`“${file}” is in the library, but it is no video.`,
  DOCUMENT: (file) => t`“${file}” is in the library, but it is no document.`,
};

const kinds: Record<TemplateMediaKind, { title: string; takes: string; accept: string }> = {
  IMAGE: {
    title: t`Choose an image`,
    takes: t`JPEG or PNG; larger ones are made to fit`,
    accept: "image/jpeg,image/png",
  },
  VIDEO: { title: t`Choose a video`, takes: t`MP4 or 3GP, at most 16 MB`, accept: "video/mp4,video/3gpp" },
  DOCUMENT: {
    title: t`Choose a document`,
    takes: t`PDF, Word, PowerPoint or Excel, at most 16 MB`,
    accept: ".pdf,.doc,.docx,.pptx,.xlsx",
  },
};

/** The library's files of one kind: one is chosen, or taken in. */
export default function MediaPicker(props: {
  kind: TemplateMediaKind;
  /** What is uploaded is for a reply alone, and stays out of the library. */
  forReply?: boolean;
  onChoose: (file: LibraryFileFragment) => void;
  onClose: () => void;
}) {
  const kind = kinds[props.kind];
  const [search, setSearch] = useState("");
  const [asked] = useDebouncedValue(search.trim(), 250);
  const [{ data, error, fetching }, load] = useQuery({
    query: MediaFilesDocument,
    variables: { filter: { kind: props.kind, search: asked || null } },
  });
  const [uploading, upload] = useMutation(MediaUploadDocument);
  const [, remove] = useMutation(MediaDeleteDocument);
  const [problem, setProblem] = useState("");
  const take = async (file: File | null | undefined) => {
    if (!file) return;
    setProblem("");
    const result = await upload({ input: { file, forReply: props.forReply ?? false } });
    const payload = result.data?.mediaUpload;
    const wrong = result.error ? errorText(result.error) : sentences(payload?.userErrors);
    if (wrong) return setProblem(wrong);
    const media = payload?.media;
    if (media && (props.forReply || media.kind === props.kind)) return props.onChoose(media); // a reply takes any
    if (media) setProblem(wrongKind[props.kind](media.name));
  };
  const files = data?.mediaFiles.nodes ?? [];
  return (
    <Dialog opened onClose={props.onClose} title={kind.title} size="lg">
      <Stack>
        <Dropzone
          onDrop={(dropped) => take(dropped[0])}
          multiple={false}
          loading={uploading.fetching}
          activateOnClick={false}
          inputProps={{ "aria-label": t`Drop a file` }}
        >
          <Group justify="center" gap="md" py="xs">
            <IconPhotoUp size={28} aria-hidden />
            <div>
              <Text size="sm" fw={550}>{t`Drop a file here, or`}</Text>
              <Text size="xs" c="dimmed">
                {kind.takes}
                {props.forReply && ` · ${t`for this conversation only`}`}
              </Text>
            </div>
            <FileButton accept={kind.accept} onChange={take}>
              {(button) => (
                <Button
                  {...button}
                  leftSection={<IconUpload size={16} />}
                  style={{ pointerEvents: "all" }}
                >{t`Upload`}</Button>
              )}
            </FileButton>
          </Group>
        </Dropzone>
        {problem && (
          <Alert color="red" role="alert">
            {sentence(problem)}
          </Alert>
        )}
        {(files.length > 0 || asked) && (
          <TextInput
            aria-label={t`Search files`}
            placeholder={t`Search by name`}
            leftSection={<IconSearch size={16} />}
            value={search}
            onChange={(e) => setSearch(e.currentTarget.value)}
          />
        )}
        {error && <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />}
        {fetching && !data && <Loader mx="auto" />}
        {data && files.length === 0 && (
          <Text c="dimmed" size="sm" ta="center">
            {asked ? t`No file with this name.` : t`Nothing here yet: upload the first one.`}
          </Text>
        )}
        <SimpleGrid cols={{ base: 2, sm: 3 }} spacing="sm">
          {files.map((f) => (
            <div key={f.id} className={classes.file}>
              <UnstyledButton
                className={classes.choose}
                onClick={() => props.onChoose(f)}
                aria-label={t`Choose ${f.name}`}
              >
                <Medium kind={f.kind} url={f.url} />
                <Text size="sm" fw={500} truncate px={6} pt={4}>
                  {f.name}
                </Text>
                <Text size="xs" c="dimmed" px={6} pb={6}>
                  {bytes(f.size)}
                  {f.width ? ` · ${f.width} × ${f.height}` : ""}
                </Text>
              </UnstyledButton>
              <ActionIcon
                className={classes.remove}
                variant="default"
                size="sm"
                aria-label={t`Delete ${f.name}`}
                onClick={() =>
                  modals.openConfirmModal({
                    title: t`Delete “${f.name}”?`,
                    children: (
                      <Text size="sm">{t`It is removed from the library permanently. Messages already sent keep their text.`}</Text>
                    ),
                    labels: { confirm: t`Delete`, cancel: t`Keep` },
                    confirmProps: { color: "red" },
                    onConfirm: async () => {
                      if (settled(await remove({ input: { id: f.id } }))) load({ requestPolicy: "network-only" });
                    },
                  })
                }
              >
                <IconTrash size={14} />
              </ActionIcon>
            </div>
          ))}
        </SimpleGrid>
      </Stack>
    </Dialog>
  );
}
