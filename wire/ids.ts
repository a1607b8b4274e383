// The ids of spaces and people, and how to make them from random bytes.

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Ten characters of `ALPHABET`, 50 bits; in every link of the space. */
export type SpaceId = Branded<"SpaceId">;

/**
 * The same in every space: a guest is `g_` and sixteen characters of `ALPHABET` (80 random bits), an account `a_` and
 * twenty-six (a UUIDv7). Version 0.1's ids are twelve characters without prefix and mean one person in one space.
 */
export type PersonId = Branded<"PersonId">;

/** Crockford's base 32: without i, l, o and u, which are easily misread. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const SPACE_ID = /^[0-9abcdefghjkmnpqrstvwxyz]{10}$/;
const PERSON_ID =
  /^(?:g_[0-9abcdefghjkmnpqrstvwxyz]{16}|a_[0-9abcdefghjkmnpqrstvwxyz]{26}|[0-9abcdefghjkmnpqrstvwxyz]{12})$/;

export function isSpaceId(text: unknown): text is SpaceId {
  return typeof text === "string" && SPACE_ID.test(text);
}

export function isPersonId(text: unknown): text is PersonId {
  return typeof text === "string" && PERSON_ID.test(text);
}

/** `random` has ten bytes; five bits of each are used. */
export function spaceIdFrom(random: Uint8Array): SpaceId {
  return spell(random, 10) as SpaceId;
}

/** `random` has sixteen bytes; five bits of each are used. */
export function guestIdFrom(random: Uint8Array): PersonId {
  return `g_${spell(random, 16)}` as PersonId;
}

function spell(random: Uint8Array, length: number): string {
  if (random.length < length) throw new RangeError(`${length} random bytes are needed, not ${random.length}`);
  let text = "";
  for (let i = 0; i < length; i++) text += ALPHABET[(random[i] as number) & 31];
  return text;
}
