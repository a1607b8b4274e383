// Keeps the keyboard focus in a group of controls: when the focused one is removed, another one gets the focus.

import type { Attachment } from "svelte/attachments";

/** Never a control that ends something: a second press of Enter would use it. */
const CONTROLS = "button:not(:disabled, .end), input, select";

/** The control with `data-next` is preferred. */
export const keepsFocus: Attachment<HTMLElement> = (element) => {
  let last: Element | undefined;
  let substitute: Element | undefined;
  const remember = ({ target }: FocusEvent): void => {
    last = target instanceof Element ? target : undefined;
  };
  const observer = new MutationObserver(() => {
    const { activeElement } = document;
    const isLost = last !== undefined && !last.isConnected && activeElement === document.body;
    const first = element.querySelector<HTMLElement>("[data-next]");
    // The preferred control may appear later, so a substitute hands the focus on.
    if (!isLost && !(first && substitute && activeElement === substitute)) return;
    const next = first ?? element.querySelector<HTMLElement>(CONTROLS);
    substitute = first ? undefined : (next ?? undefined);
    next?.focus({ preventScroll: true });
  });
  element.addEventListener("focusin", remember);
  observer.observe(element, { childList: true, subtree: true });
  return () => {
    observer.disconnect();
    element.removeEventListener("focusin", remember);
  };
};
