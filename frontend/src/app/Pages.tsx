import { RouterProvider } from "@tanstack/react-router";
import { Modals } from "./Modals";
import { router } from "./router";

/** All pages, for whoever is signed in. */
export function Pages() {
  return (
    <>
      <RouterProvider router={router} />
      <Modals />
    </>
  );
}
