import { t } from "@lingui/core/macro";
import { Alert, Button, Checkbox, Group, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { useMutation } from "urql";
import { byField, errorText, settled } from "../../lib/errors";
import { money, sentence } from "../../lib/format";
import { RateCardUpdateDocument, type RateOfCard } from "./PricesPage";

/** Sets a rate from a day on, or takes back what was set here. */
export function RateForm(props: { rate: RateOfCard; revision: number; onDone: () => void; onClose: () => void }) {
  const r = props.rate;
  const key = { market: r.market, category: r.category, fromMessages: r.fromMessages, currency: r.price.currency };
  const [price, setPrice] = useState(r.price.amount);
  const [since, setSince] = useState(new Date().toISOString().slice(0, 10));
  const [source, setSource] = useState("");
  const [doubtful, setDoubtful] = useState(false);
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const [{ fetching }, update] = useMutation(RateCardUpdateDocument);
  const save = async () => {
    const rate = { ...key, price: price.trim(), since, source: source.trim(), doubtful };
    const answer = await update({ input: { expectedVersion: props.revision, set: [rate] } });
    if (answer.error) return setWrong({ rest: errorText(answer.error) });
    const split = byField(answer.data?.rateCardUpdate.userErrors ?? [], ["set.0.price", "set.0.since", "set.0.source"]);
    setWrong({ ...split.fields, ...(split.rest ? { rest: split.rest } : {}) });
    if (Object.keys(split.fields).length === 0 && !split.rest) props.onDone();
  };
  const takeBack = async () => {
    const input = { expectedVersion: props.revision, remove: [{ ...key, since: r.since }] };
    if (settled(await update({ input }))) props.onDone();
  };
  return (
    <Stack>
      <Text size="sm">
        {r.doubtful ? t`${money(r.price)} since ${r.since} (unsure).` : t`${money(r.price)} since ${r.since}.`}{" "}
        {r.source}
      </Text>
      {r.own && (
        <Button
          variant="default"
          size="xs"
          onClick={takeBack}
          loading={fetching}
          style={{ alignSelf: "flex-start" }}
        >{t`Take back what was set here`}</Button>
      )}
      <TextInput
        label={t`Price of one message in ${r.price.currency}`}
        inputMode="decimal"
        value={price}
        onChange={(e) => setPrice(e.currentTarget.value)}
        error={wrong["set.0.price"]}
        data-autofocus
      />
      <TextInput
        label={t`From`}
        description={t`Messages that were charged before it is set keep their price.`}
        type="date"
        value={since}
        onChange={(e) => setSince(e.currentTarget.value)}
        error={wrong["set.0.since"]}
      />
      <TextInput
        label={t`Source`}
        placeholder={t`Invoice of October, Meta’s list …`}
        value={source}
        onChange={(e) => setSource(e.currentTarget.value)}
        error={wrong["set.0.source"]}
      />
      <Checkbox label={t`Unsure`} checked={doubtful} onChange={(e) => setDoubtful(e.currentTarget.checked)} />
      {wrong.rest && <Alert color="red">{sentence(wrong.rest)}</Alert>}
      <Group justify="flex-end">
        <Button variant="default" onClick={props.onClose}>{t`Cancel`}</Button>
        <Button onClick={save} loading={fetching}>{t`Save`}</Button>
      </Group>
    </Stack>
  );
}
