import { t } from "@lingui/core/macro";
import { Button, CopyButton } from "@mantine/core";
import { IconShare } from "@tabler/icons-react";
import { DropdownMenu } from "../../components/Dropdown";

/** Gives the report on: as a link for those who sign in here, or on paper, and so as a PDF, for everybody else. */
export function ShareReport() {
  const link = window.location.origin + window.location.pathname;
  return (
    <DropdownMenu
      position="bottom-end"
      target={
        <Button variant="default" leftSection={<IconShare size={16} />}>
          {t({ message: "Share", context: "pass on" })}
        </Button>
      }
    >
      {(Menu) => (
        <>
          <Menu.Item onClick={() => setTimeout(() => window.print())}>{t`Print or save as PDF`}</Menu.Item>
          <CopyButton value={link}>
            {({ copied, copy }) => (
              <Menu.Item closeMenuOnClick={false} onClick={copy}>
                {copied ? t`Link copied` : t`Copy the link`}
              </Menu.Item>
            )}
          </CopyButton>
        </>
      )}
    </DropdownMenu>
  );
}
