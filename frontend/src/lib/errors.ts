import { t } from "@lingui/core/macro";
import type { CombinedError } from "urql";
import { sentence } from "./format";
import { notifications } from "./notifications";

export type UserError = { field?: string[] | null; message: string };

/** The text of an error as the server meant it for people. */
export function errorText(error: CombinedError): string {
  if (error.networkError) return t`The server does not answer. Check your connection and try again.`;
  return sentences(error.graphQLErrors) || error.message;
}

/** What the server says, each as a sentence of its own. */
export const sentences = (said: readonly { message: string }[] | undefined) =>
  (said ?? []).map((e) => sentence(e.message)).join(" ");

/** Splits a payload's errors into those of named form fields and the rest. */
export function byField(
  errors: readonly UserError[],
  fields: string[],
): { fields: Record<string, string>; rest: string } {
  const out: Record<string, string> = {};
  const rest: string[] = [];
  for (const e of errors) {
    const name = e.field?.join(".") ?? "";
    const known = fields.find((f) => name === f || name.startsWith(`${f}.`));
    if (known) out[known] = out[known] ? `${sentence(out[known])} ${sentence(e.message)}` : sentence(e.message);
    else rest.push(sentence(e.message));
  }
  return { fields: out, rest: rest.join(" ") };
}

/** The payload of a mutation that asked for one field. */
export function payloadOf(data: object | null | undefined): Payload | undefined {
  return Object.values(data ?? {}).find((v) => typeof v === "object") as Payload | undefined;
}

/** What went wrong with a mutation that asked for one field, for people; empty: nothing. */
export function problemOf(result: { error?: CombinedError; data?: object | null }): string {
  return result.error ? sentence(errorText(result.error)) : sentences(payloadOf(result.data)?.userErrors);
}

/** The error of a save that was made on an older state of its thing. */
export function outdatedIn(result: { data?: object | null }): UserError | undefined {
  return payloadOf(result.data)?.userErrors?.find((e) => e.field?.[0] === "expectedVersion");
}

type Payload = { userErrors: readonly UserError[] };

/** Toasts what went wrong; true when nothing did. */
export function settled(result: { error?: CombinedError; data?: Record<string, unknown> | null }): boolean {
  if (result.error) {
    notifications.show({ color: "red", message: sentence(errorText(result.error)), autoClose: 8000 });
    return false;
  }
  for (const value of Object.values(result.data ?? {})) {
    const errors = (value as Payload | null)?.userErrors;
    if (errors?.length) {
      notifications.show({ color: "red", message: sentences(errors), autoClose: 8000 });
      return false;
    }
  }
  return true;
}
