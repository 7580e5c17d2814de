import { ModalsProvider } from "@mantine/modals";
import { RouterProvider } from "@tanstack/react-router";
import { router } from "./router";

/** All pages, for whoever is signed in. */
export function Pages() {
  return (
    <ModalsProvider>
      <RouterProvider router={router} />
    </ModalsProvider>
  );
}
