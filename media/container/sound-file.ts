// Tells what kind of file some bytes are, by their first bytes.

export type SoundFile =
  /** `bytes` begin after any ID3 tag. */
  | { readonly kind: "ogg" | "wav"; readonly bytes: Uint8Array }
  /** `name` is for people, such as "an MP3 file". */
  | { readonly kind: "other"; readonly name: string };

const OTHERS: readonly (readonly [at: number, start: string, name: string])[] = [
  [0, "fLaC", "a FLAC file"],
  [4, "ftyp", "an MP4 file"],
  [0, "\x1a\x45\xdf\xa3", "a WebM or Matroska file"],
  [0, "FORM", "an AIFF file"],
  [0, "caff", "a CAF file"],
  [0, "riff", "a Wave64 file"],
  [0, "#!AMR", "an AMR file"],
  [0, "\x30\x26\xb2\x75", "a Windows Media file"],
];

/** Skips ID3 tags that a tagging program wrote before the file. */
export function soundFileOf(whole: Uint8Array): SoundFile {
  const bytes = withoutId3(whole);
  if (hasAt(bytes, 0, "OggS")) return { kind: "ogg", bytes };
  if (["RIFF", "RIFX", "RF64", "BW64"].some((start) => hasAt(bytes, 0, start))) return { kind: "wav", bytes };
  const other = OTHERS.find(([at, start]) => hasAt(bytes, at, start));
  if (other !== undefined) return { kind: "other", name: other[2] };
  const isMpeg = bytes[0] === 0xff && ((bytes[1] ?? 0) & 0xe0) === 0xe0;
  if (isMpeg) return { kind: "other", name: ((bytes[1] ?? 0) & 6) === 0 ? "an AAC file" : "an MP3 file" };
  return { kind: "other", name: bytes.length === 0 ? "an empty file" : "no sound file that Hustings knows" };
}

/** An ID3 tag gives its size in four bytes of seven bits, and may have a footer (ID3v2.4 §3.1). */
function withoutId3(bytes: Uint8Array): Uint8Array {
  let rest = bytes;
  while (hasAt(rest, 0, "ID3") && rest.length >= 10) {
    const size = [6, 7, 8, 9].reduce((sum, at) => sum * 128 + ((rest[at] ?? 0) & 0x7f), 0);
    const footer = ((rest[5] ?? 0) & 0x10) === 0 ? 0 : 10;
    rest = rest.subarray(10 + size + footer);
  }
  return rest;
}

function hasAt(bytes: Uint8Array, at: number, text: string): boolean {
  return bytes.length >= at + text.length && [...text].every((char, index) => bytes[at + index] === char.charCodeAt(0));
}
