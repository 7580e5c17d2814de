import { t } from "@lingui/core/macro";
import { Button } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";

/** A link that downloads what proves what happened to a contact or a message. */
export const proofLink = (of: "contacts" | "messages", id: string) =>
  ({
    component: "a",
    href: `/downloads/${of}/${id}/proof.txt`,
    download: true,
    title: t`What was asked, agreed, sent and why, signed: anybody with the public key can check it`,
  }) as const;

export const ProofButton = (props: { of: "contacts" | "messages"; id: string }) => (
  <Button
    size="xs"
    variant="default"
    leftSection={<IconDownload size={15} />}
    {...proofLink(props.of, props.id)}
  >{t`Download proof`}</Button>
);
