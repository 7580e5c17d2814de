import type { DrawerProps, ModalProps } from "@mantine/core";
import { type ComponentType, useEffect, useState } from "react";
import { later, useLater } from "../lib/later";

const library = later(() => import("./Dialog.library"));

/** A dialog over the page. */
export const Dialog = (props: ModalProps) => <Opening {...props} by={useLater(library, props.opened)?.Modal} />;

/** A dialog at the side of the page. */
export const SideDialog = (props: DrawerProps) => <Opening {...props} by={useLater(library, props.opened)?.Drawer} />;

/** It stands there closed before it opens, so that it knows who had the focus and can give it back. */
function Opening<P extends { opened: boolean }>({ by: Window, ...props }: P & { by: ComponentType<P> | undefined }) {
  const [there, setThere] = useState(false);
  useEffect(() => setThere(Window !== undefined), [Window]);
  if (!Window) return null;
  return <Window {...(props as unknown as P)} opened={there && props.opened} />;
}
