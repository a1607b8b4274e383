// Owns that a keyboard's place is not lost: where the focused control gives way to another, that one gets the focus.
// Refuses to know the controls.

import type { Attachment } from "svelte/attachments";

const CONTROLS = "button:not(:disabled), input, select";

/** For an element whose controls come and go: the one with `data-next` is the first choice. */
export const keepsFocus: Attachment<HTMLElement> = (element) => {
  let last: Element | undefined;
  let standIn: Element | undefined;
  const remember = ({ target }: FocusEvent): void => {
    last = target instanceof Element ? target : undefined;
  };
  const observer = new MutationObserver(() => {
    const { activeElement } = document;
    const isLost = last !== undefined && !last.isConnected && activeElement === document.body;
    const first = element.querySelector<HTMLElement>("[data-next]");
    // The first choice may come a moment later than the others.
    if (!isLost && !(first && standIn && activeElement === standIn)) return;
    const next = first ?? element.querySelector<HTMLElement>(CONTROLS);
    standIn = first ? undefined : (next ?? undefined);
    next?.focus({ preventScroll: true });
  });
  element.addEventListener("focusin", remember);
  observer.observe(element, { childList: true, subtree: true });
  return () => {
    observer.disconnect();
    element.removeEventListener("focusin", remember);
  };
};
