import { expect, test } from "vitest";
import { browserName } from "./passkeys";

test("browsers are told by name", () => {
  const chrome = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
  expect(browserName(`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${chrome}`)).toBe("Chrome on macOS");
  expect(browserName(`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${chrome} Edg/142.0`)).toBe("Edge on Windows");
  expect(browserName("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0")).toBe(
    "Firefox on Linux",
  );
  expect(
    browserName("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Version/19.0 Safari/604.1"),
  ).toBe("Safari on iOS");
  expect(browserName("curl/8.5.0")).toBe("curl");
  expect(browserName("")).toBe("Unknown browser");
});
