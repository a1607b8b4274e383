// Owns that a keyboard's place is not lost: where the focused control gives way to another, that one gets the focus.
// Refuses to know the controls.

import type { Attachment } from "svelte/attachments";

const CONTROLS = "button:not(:disabled), input, select";

/** For an element whose controls come and go: the one with `data-next` is the first choice. */
export const keepsFocus: Attachment<HTMLElement> = (element) => {
  let last: Element | undefined;
  const remember = ({ target }: FocusEvent): void => {
    last = target instanceof Element ? target : undefined;
  };
  const observer = new MutationObserver(() => {
    if (!last || last.isConnected || document.activeElement !== document.body) return;
    const next = element.querySelector<HTMLElement>("[data-next]") ?? element.querySelector<HTMLElement>(CONTROLS);
    next?.focus({ preventScroll: true });
  });
  element.addEventListener("focusin", remember);
  observer.observe(element, { childList: true, subtree: true });
  return () => {
    observer.disconnect();
    element.removeEventListener("focusin", remember);
  };
};
