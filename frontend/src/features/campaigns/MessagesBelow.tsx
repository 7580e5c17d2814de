import { type ComponentProps, useRef } from "react";
import { Rows } from "../../components/ui";
import { later, useLater } from "../../lib/later";
import { useNear } from "../../lib/near";
import type { CampaignMessages } from "./CampaignMessages";

const part = later(() => import("./CampaignMessages"));

/** The messages stand below all of the report: their list is loaded when they come into sight. */
export function MessagesBelow(props: ComponentProps<typeof CampaignMessages>) {
  const place = useRef<HTMLDivElement>(null);
  const there = useLater(part, useNear(place));
  return (
    <div ref={place} id="messages">
      {there ? <there.CampaignMessages {...props} /> : <Rows />}
    </div>
  );
}
