import { t } from "@lingui/core/macro";
import { Alert, Button, Group, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { AskToConfirm } from "../../components/AskToConfirm";
import { Dialog } from "../../components/Dialog";
import { nameOf } from "../../components/Person";
import { graphql } from "../../gql";
import { useGoAfter } from "../../lib/address";
import { byField, errorText } from "../../lib/errors";
import { notifications } from "../../lib/notifications";

const NumberCheckDocument = graphql(`
  query NumberCheck($address: String!) {
    numberCheck(address: $address) {
      valid
      problem
      address
      region
      timeZone
      contact {
        id
        name
        displayAddress
      }
    }
  }
`);

const ContactCreateDocument = graphql(`
  mutation ContactCreate($input: ContactCreateInput!) {
    contactCreate(input: $input) {
      contact {
        id
        name
        displayAddress
      }
      userErrors {
        field
        message
      }
    }
  }
`);

export function ContactForm(props: { opened: boolean; onClose: () => void }) {
  const form = useForm({ initialValues: { address: "", name: "", evidence: "", asks: false } });
  const [problem, setProblem] = useState("");
  const [typed] = useDebouncedValue(form.values.address.trim(), 250);
  const [{ data }] = useQuery({ query: NumberCheckDocument, variables: { address: typed }, pause: typed.length < 4 });
  const [{ fetching }, create] = useMutation(ContactCreateDocument);
  const goAfter = useGoAfter();
  const check = typed.length >= 4 ? data?.numberCheck : undefined;
  const submit = form.onSubmit(async (v) => {
    setProblem("");
    const go = goAfter();
    const asked = v.evidence !== "" && v.asks;
    const consent = v.evidence ? { note: v.evidence } : null;
    const result = await create({ input: { address: v.address, name: v.name, consent, doubleOptIn: asked } });
    if (result.error) return setProblem(errorText(result.error));
    const payload = result.data?.contactCreate;
    if (payload?.userErrors.length) {
      const { fields, rest } = byField(payload.userErrors, ["address", "name"]);
      form.setErrors(fields);
      return setProblem(rest);
    }
    const added = payload?.contact ? t`${nameOf(payload.contact)} added` : t`The contact added`;
    notifications.show({
      message: asked ? t`${added}; they will be asked on WhatsApp to confirm` : added,
      color: "green",
    });
    form.reset();
    props.onClose();
    if (payload?.contact) go({ to: "/contacts/$id", params: { id: payload.contact.id } });
  });
  return (
    <Dialog opened={props.opened} onClose={props.onClose} title={t`Add a contact`}>
      <form onSubmit={submit} noValidate>
        <Stack>
          {problem && (
            <Alert color="red" role="alert">
              {problem}
            </Alert>
          )}
          <div>
            <TextInput
              label={t`WhatsApp number`}
              description={t`With country code, in any spelling`}
              placeholder="+49 151 12345678"
              data-autofocus
              {...form.getInputProps("address")}
            />
            <Text size="xs" mt={4} c={check && !check.valid ? "red" : "dimmed"} role="status">
              {check
                ? check.contact
                  ? t`Known already as ${nameOf(check.contact)}`
                  : check.valid
                    ? `${check.address} · ${check.region ?? t`no country`} · ${check.timeZone ?? t`several time zones possible`}`
                    : check.problem
                : " "}
            </Text>
          </div>
          <TextInput label={t`Name`} {...form.getInputProps("name")} />
          <Textarea
            label={t`Consent`}
            description={t`How did this person agree to messages? Left empty, they get none until consent is recorded.`}
            placeholder={t`Signed the form in the shop on 3 May`}
            {...form.getInputProps("evidence")}
          />
          {form.values.evidence !== "" && (
            <AskToConfirm checked={form.values.asks} onChange={(asks) => form.setFieldValue("asks", asks)} />
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={props.onClose}>{t`Cancel`}</Button>
            <Button type="submit" loading={fetching}>{t`Add`}</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
