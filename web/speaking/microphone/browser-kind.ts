// Distinguishes browsers, because each has the microphone's permission in another place.

export type BrowserKind = "chrome" | "safari-phone" | "safari" | "firefox" | "other";

export function browserOf(userAgent: string): BrowserKind {
  if (/Firefox|FxiOS/.test(userAgent)) return "firefox";
  if (/iPhone|iPad/.test(userAgent)) return "safari-phone";
  if (/Chrome|Chromium|Edg/.test(userAgent)) return "chrome";
  return /Safari/.test(userAgent) ? "safari" : "other";
}
