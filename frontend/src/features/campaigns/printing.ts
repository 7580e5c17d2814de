import { useEffect } from "react";

const scheme = "data-mantine-color-scheme";

/** Paper is white, whatever the screen is: while the page is printed, it is light. */
export function useLightPrint() {
  useEffect(() => {
    const root = document.documentElement;
    let before: string | null = null;
    const light = () => {
      before = root.getAttribute(scheme);
      root.setAttribute(scheme, "light");
    };
    const back = () => before && root.setAttribute(scheme, before);
    window.addEventListener("beforeprint", light);
    window.addEventListener("afterprint", back);
    return () => {
      window.removeEventListener("beforeprint", light);
      window.removeEventListener("afterprint", back);
    };
  }, []);
}
