import { t } from "@lingui/core/macro";
import { Button } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { useMay } from "../../app/session";
import { DropdownMenu } from "../../components/Dropdown";
import { proofLink } from "../../components/ProofButton";
import type { BulkKind } from "./BulkBar";

export type Tool = BulkKind | "merge";

/** All that can be done with a contact beside writing and editing. */
export function ContactMenu(props: {
  contact: { id: string; consentStatus: string };
  onConsent: (to: "MARKETING OPTED_IN" | "MARKETING OPTED_OUT") => void;
  onTool: (tool: Tool) => void;
}) {
  const admin = useMay("ADMIN");
  const { id, consentStatus } = props.contact;
  const tool = (of: Tool) => () => props.onTool(of);
  return (
    <DropdownMenu
      position="bottom-end"
      target={<Button variant="default" rightSection={<IconChevronDown size={16} />}>{t`More`}</Button>}
    >
      {(Menu) => (
        <>
          <Menu.Label>{t`Consent`}</Menu.Label>
          {consentStatus !== "OPTED_IN" && (
            <Menu.Item onClick={() => props.onConsent("MARKETING OPTED_IN")}>{t`Record opt-in`}</Menu.Item>
          )}
          {consentStatus !== "OPTED_OUT" && (
            <Menu.Item onClick={() => props.onConsent("MARKETING OPTED_OUT")}>{t`Record opt-out`}</Menu.Item>
          )}
          <Menu.Item onClick={tool("suppress")}>{t`Suppress`}</Menu.Item>
          <Menu.Divider />
          <Menu.Item onClick={tool("tag")}>{t`Tag`}</Menu.Item>
          <Menu.Item onClick={tool("merge")}>{t`Merge with…`}</Menu.Item>
          <Menu.Divider />
          <Menu.Label>{t`All data kept about them`}</Menu.Label>
          <Menu.Item
            component="a"
            href={`/downloads/contacts/${id}/data.json`}
            download
          >{t`Download their data (JSON)`}</Menu.Item>
          <Menu.Item
            component="a"
            href={`/downloads/contacts/${id}/data.html`}
            target="_blank"
            rel="noopener noreferrer"
          >{t`Readable page`}</Menu.Item>
          <Menu.Item {...proofLink("contacts", id)}>{t`Download proof`}</Menu.Item>
          <Menu.Item onClick={tool("export")}>{t`Export`}</Menu.Item>
          {admin && (
            <>
              <Menu.Divider />
              <Menu.Item color="red" onClick={tool("erase")}>{t`Erase`}</Menu.Item>
            </>
          )}
        </>
      )}
    </DropdownMenu>
  );
}
