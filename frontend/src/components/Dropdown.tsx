import type {
  Menu as LibraryMenu,
  MenuDropdownProps,
  MenuProps,
  PopoverDropdownProps,
  PopoverProps,
} from "@mantine/core";
import {
  type AriaAttributes,
  cloneElement,
  type ReactElement,
  type ReactNode,
  type Ref,
  useEffect,
  useRef,
  useState,
} from "react";
import { later, useLater } from "../lib/later";

const library = later(() => import("./Dropdown.library"));

type Target = ReactElement<{ ref?: Ref<HTMLElement>; onClick?: () => void; onBlur?: () => void } & AriaAttributes>;

/**
 * The library has the button within what it opens, so that its button takes the place of the one that stands here at
 * first. That is once it is opened, never between the press of a button and its release; and it stands there closed
 * before it opens, so that it knows who had the focus and can give it back.
 */
function useDropdown(target: Target, kind: "menu" | "dialog", asked?: boolean, onChange?: (opened: boolean) => void) {
  const [own, setOwn] = useState(false);
  const [stands, setStands] = useState(false); // the library's, from the first use on
  const wanted = asked ?? own;
  const found = useLater(library, wanted);
  const there = stands || wanted ? found : undefined;
  const button = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!there) return;
    if (document.activeElement === document.body) button.current?.focus();
    setStands(true);
  }, [there]);
  const change = onChange ?? setOwn;
  return {
    there,
    opened: stands && wanted,
    change,
    button: there
      ? cloneElement(target, { ref: button })
      : cloneElement(target, {
          ref: button,
          "aria-haspopup": kind,
          "aria-expanded": false,
          onClick: () => change(!wanted),
          onBlur: () => change(false), // whoever has gone on before it came wants it no more
        }),
  };
}

/** A button with a menu, whose entries are made with the library's Menu, which children get. */
export function DropdownMenu(
  props: Omit<MenuProps, "children"> & {
    target: Target;
    dropdown?: MenuDropdownProps;
    children: (Menu: typeof LibraryMenu) => ReactNode;
  },
) {
  const { target, dropdown, children, opened: asked, onChange, ...menu } = props;
  const { there, opened, change, button } = useDropdown(target, "menu", asked, onChange);
  if (!there) return button;
  return (
    <there.Menu {...menu} opened={opened} onChange={change}>
      <there.Menu.Target>{button}</there.Menu.Target>
      <there.Menu.Dropdown {...dropdown}>{children(there.Menu)}</there.Menu.Dropdown>
    </there.Menu>
  );
}

/** A button with a small panel, which has the focus while it is open. */
export function DropdownPanel(
  props: Omit<PopoverProps, "children"> & { target: Target; dropdown?: PopoverDropdownProps; children: ReactNode },
) {
  const { target, dropdown, children, ...panel } = props;
  const { there, opened, change, button } = useDropdown(target, "dialog");
  if (!there) return button;
  return (
    <there.Popover trapFocus {...panel} opened={opened} onChange={change}>
      <there.Popover.Target>{cloneElement(button, { onClick: () => change(!opened) })}</there.Popover.Target>
      <there.Popover.Dropdown {...dropdown}>{opened && children}</there.Popover.Dropdown>
    </there.Popover>
  );
}
