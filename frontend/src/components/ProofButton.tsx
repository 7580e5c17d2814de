import { t } from "@lingui/core/macro";
import { Button } from "@mantine/core";

/** Downloads what proves what happened to a contact or a message. */
export function ProofButton(props: { of: "contacts" | "messages"; id: string }) {
  return (
    <Button
      size="xs"
      variant="default"
      component="a"
      href={`/downloads/${props.of}/${props.id}/proof.txt`}
      download
      title={t`What was asked, agreed, sent and why, signed: anybody with the public key can check it`}
    >{t`Proof`}</Button>
  );
}
