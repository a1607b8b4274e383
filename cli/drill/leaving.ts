// Owns how fast people leave whom an hour no longer wants: by the time that passed, however often somebody looks. Pure.
// Refuses to know who they are.

/** Who is to leave does so within this time: evenly, not in a burst. */
export const LEAVE_MS = 100;

/** How many of `due`, who are to leave, have left after `elapsedMs` more. All of them where nobody looked for so long. */
export function leavingOf(due: number, elapsedMs: number): number {
  return due <= 0 ? 0 : Math.ceil(due * Math.min(1, Math.max(0, elapsedMs) / LEAVE_MS));
}
