// The fixed numbers of sound and time. A packet is 20 ms of Opus; a fragment is ten packets and fills exactly one slot.

/** Of every signal; all signals are mono. */
export const SAMPLE_RATE_HZ = 48_000;
/** Samples in one 20 ms packet. */
export const PACKET_SAMPLES = 960;
export const PACKET_MS = 20;
/** Packets in one fragment. */
export const FRAGMENT_PACKETS = 10;
/** Samples in one slot: slot `n` is samples `[n·9600, (n+1)·9600)`. */
export const SLOT_SAMPLES = PACKET_SAMPLES * FRAGMENT_PACKETS;
export const SLOT_MS = PACKET_MS * FRAGMENT_PACKETS;
export const SLOTS_PER_SECOND = 1000 / SLOT_MS;

/** The programme's renditions: Opus, 48 kHz mono, by target bitrate in kb/s. */
export const RENDITIONS = ["32", "16"] as const;
export type Rendition = (typeof RENDITIONS)[number];

/** Seats of a stage; seat numbers are `0..MAX_SEATS - 1`. */
export const MAX_SEATS = 20;
/** A fragment carries the levels of at most this many seats: the loudest of its slot. */
export const MAX_LEVELS = 4;
/** A level in −dBov, 0 (loudest) to 127 (silence), as in RFC 6464. */
export type LevelDbov = number;
export const SILENCE_DBOV: LevelDbov = 127;

/** Up to this many missing slots are an absence and become filler; more are a gap. */
export const MAX_ABSENCE_SLOTS = 50;
/** Slots that an edge and the memory log keep: 60 s. */
export const KEPT_SLOTS = 300;
