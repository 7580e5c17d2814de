import { t } from "@lingui/core/macro";
import { Button } from "@mantine/core";
import { useMutation } from "urql";
import { useMay } from "../../app/session";
import { useGoAfter } from "../../lib/address";
import { settled } from "../../lib/errors";
import { moment } from "../../lib/format";
import { SegmentCreateDocument } from "../segments/create";
import type { ImportState } from "./ImportRun";

const longest = 100; // characters of a segment's name

/** Makes a segment of the contacts of an import, and goes on to a campaign to them. */
export function WriteToThem({ import: i }: { import: ImportState }) {
  const may = useMay("MARKETER");
  const goAfter = useGoAfter();
  const [{ fetching }, create] = useMutation(SegmentCreateDocument);
  if (!may) return null;
  const write = async () => {
    const go = goAfter();
    const make = (name: string) => create({ input: { name, query: { import: i.id } } });
    const end = ` (${moment(i.finishedAt ?? i.createdAt)})`;
    const name = i.fileName.replace(/\.\w{1,5}$/, "").slice(0, longest - end.length);
    let result = await make(name);
    // Another file of that name came before.
    if (result.data?.segmentCreate.userErrors.some((e) => e.field?.includes("name"))) result = await make(name + end);
    const made = result.data?.segmentCreate.segment;
    if (!settled(result) || !made) return;
    go({ to: "/campaigns/new", search: { segment: made.id } });
  };
  return <Button loading={fetching} onClick={write}>{t`Create a campaign`}</Button>;
}
