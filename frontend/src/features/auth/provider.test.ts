import { expect, test } from "vitest";
import { providerLink, refusalIn } from "./provider";

test("a refusal is told in a sentence, and nothing else of the address is shown", () => {
  expect(refusalIn("#signin=role", { name: "Shop SSO" })).toContain("None of your groups at Shop SSO");
  expect(refusalIn("#signin=constructor", { name: "Shop SSO" })).toContain("not accepted");
  expect(refusalIn("#signin=denied")).toBe("Your sign-in provider did not let you in.");
  expect(refusalIn("#signin=<b>call 555</b>")).toBe("");
  expect(refusalIn("#setup=x")).toBe("");
  expect(refusalIn("")).toBe("");
});

test("the way to the provider comes back to where somebody was", () => {
  const provider = { name: "Shop", url: "/auth/oidc", only: false };
  expect(providerLink(provider, { pathname: "/campaigns", search: "?status=DRAFT" })).toBe(
    "/auth/oidc?to=%2Fcampaigns%3Fstatus%3DDRAFT",
  );
});
