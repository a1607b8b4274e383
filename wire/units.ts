// The fixed numbers of sound and time. A packet is 20 ms of Opus; a fragment is ten packets and fills one slot.

export const SAMPLE_RATE_HZ = 48_000;
export const PACKET_SAMPLES = 960;
export const PACKET_MS = 20;
export const FRAGMENT_PACKETS = 10;
export const SLOT_SAMPLES = PACKET_SAMPLES * FRAGMENT_PACKETS;
export const SLOT_MS = PACKET_MS * FRAGMENT_PACKETS;
export const SLOTS_PER_SECOND = 1000 / SLOT_MS;

/** Opus, 48 kHz mono, by target bitrate in kb/s. */
export const RENDITIONS = ["32", "16"] as const;
export type Rendition = (typeof RENDITIONS)[number];
/** The rendition that a listener has without a choice, and the one for slow networks and full edges. */
export const USUAL_RENDITION: Rendition = "32";
export const SMALL_RENDITION: Rendition = "16";

/** One value for each rendition. */
export function perRendition<Value>(make: (rendition: Rendition) => Value): Record<Rendition, Value> {
  return Object.fromEntries(RENDITIONS.map((rendition) => [rendition, make(rendition)])) as Record<Rendition, Value>;
}

/** Seat numbers are `0..MAX_SEATS - 1`. */
export const MAX_SEATS = 20;
/** A fragment has the levels of the loudest seats of its slot. */
export const MAX_LEVELS = 4;
/** A level in −dBov, 0 (loudest) to 127 (silence), as in RFC 6464. */
export type LevelDbov = number;
export const SILENCE_DBOV: LevelDbov = 127;

/** Up to this many missing slots become filler; more are a gap. */
export const MAX_ABSENCE_SLOTS = 50;
/** 60 s, for edges and the memory log. */
export const KEPT_SLOTS = 300;
