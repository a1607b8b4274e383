// Keeps a name's writing direction apart from the sentence around it.

/** Puts `text` between FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE (Unicode UAX #9). */
export function isolate(text: string): string {
  return `\u2068${text}\u2069`;
}
