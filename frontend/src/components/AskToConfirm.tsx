import { t } from "@lingui/core/macro";
import { Anchor, Switch } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useQuery } from "urql";
import { useMay } from "../app/session";
import { graphql } from "../gql";
import { errorText } from "../lib/errors";
import { hours } from "../lib/format";

const SetUpDocument = graphql(`
  query DoubleOptInSetUp {
    settings {
      doubleOptIn {
        expiresAfterHours
      }
    }
  }
`);

/** Whether a consent counts only once the person has confirmed it on WhatsApp; off where nobody can be asked. */
export function AskToConfirm(props: {
  checked: boolean;
  onChange: (checked: boolean) => void;
  /** It is about everybody in a file. */
  many?: boolean;
  /** Why they cannot be asked, as a sentence. */
  refusal?: string;
}) {
  const admin = useMay("ADMIN");
  const [{ data, error }] = useQuery({ query: SetUpDocument, requestPolicy: "cache-and-network" });
  const setUp = data?.settings.doubleOptIn;
  const explained = () => {
    if (error && !data) return errorText(error);
    if (!data) return " ";
    if (!setUp)
      return (
        <>
          {t`Nobody can be asked: double opt-in is off.`}{" "}
          {admin ? (
            <Anchor
              inherit
              underline="always"
              pos="relative"
              style={{ zIndex: 1 }} // above the switch, which takes clicks on all of its text
              renderRoot={(p) => <Link {...p} to="/settings/double-opt-in" />}
            >{t`Turn it on in Settings`}</Anchor>
          ) : (
            t`An admin can turn it on in Settings.`
          )}
        </>
      );
    if (props.refusal) return props.refusal;
    const within = hours(setUp.expiresAfterHours);
    return props.many
      ? t`Everybody who agreed is asked once. Their consent counts when they say yes within ${within}.`
      : t`They are asked once. Their consent counts when they say yes within ${within}.`;
  };
  return (
    <Switch
      label={t`Ask them on WhatsApp to confirm`}
      description={explained()}
      checked={props.checked}
      onChange={(e) => props.onChange(e.currentTarget.checked)}
      disabled={!props.checked && (!setUp || props.refusal !== undefined)}
    />
  );
}
