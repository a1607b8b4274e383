// The two header packets of an Ogg Opus stream (RFC 7845 §5).

export interface OpusComments {
  readonly [name: string]: string;
}

const VENDOR = "hustings";
const MAGIC = "OpusTags";

export function opusHead(preSkipSamples: number): Uint8Array {
  const head = new Uint8Array(19);
  const view = new DataView(head.buffer);
  head.set(new TextEncoder().encode("OpusHead"));
  head[8] = 1;
  head[9] = 1;
  view.setUint16(10, preSkipSamples, true);
  view.setUint32(12, 48_000, true);
  return head;
}

/** With `sizeBytes` it has that size: zeros follow the comments, and comments that are too long are cut. */
export function opusTags(comments: OpusComments = {}, sizeBytes?: number): Uint8Array {
  const texts = Object.entries(comments).map(([name, value]) => `${name}=${value}`);
  const emptyBytes = MAGIC.length + 4 + VENDOR.length + 4 + texts.length * 4;
  const valueBytes = sizeBytes === undefined ? Infinity : Math.floor((sizeBytes - emptyBytes) / texts.length);
  const encoded = texts.map((text) => encodeUpTo(text, valueBytes));
  const tags = new Uint8Array(sizeBytes ?? emptyBytes + encoded.reduce((sum, { length }) => sum + length, 0));
  const view = new DataView(tags.buffer);
  tags.set(encodeUpTo(MAGIC));
  let at = MAGIC.length;
  const put = (bytes: Uint8Array): void => {
    view.setUint32(at, bytes.length, true);
    tags.set(bytes, at + 4);
    at += 4 + bytes.length;
  };
  put(encodeUpTo(VENDOR));
  view.setUint32(at, encoded.length, true);
  at += 4;
  for (const bytes of encoded) put(bytes);
  return tags;
}

/** UTF-8 of whole characters, at most `maxBytes`. */
function encodeUpTo(text: string, maxBytes = Infinity): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= maxBytes) return bytes;
  let end = maxBytes;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}
