import { expect, test } from "vitest";
import { setPageTitle, setUnreadTitle, setWorkspaceTitle } from "./title";

test("the tab names the page, and before it how many conversations wait", () => {
  setPageTitle("Contacts");
  expect(document.title).toBe("Contacts · Event Stream Engine");
  setUnreadTitle("3");
  expect(document.title).toBe("(3) Contacts · Event Stream Engine");
  setPageTitle("Inbox");
  expect(document.title).toBe("(3) Inbox · Event Stream Engine");
  setUnreadTitle("");
  expect(document.title).toBe("Inbox · Event Stream Engine");
  setWorkspaceTitle("Blue Shop");
  expect(document.title).toBe("Inbox · Blue Shop");
  setWorkspaceTitle("");
  expect(document.title).toBe("Inbox · Event Stream Engine");
});
