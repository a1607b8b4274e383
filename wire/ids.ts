// Owns the names by which spaces and people are told apart. Refuses to know where randomness comes from.

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Ten characters of `ALPHABET`: 50 bits, in every link of the space, for life. */
export type SpaceId = Branded<"SpaceId">;
/** Twelve characters of `ALPHABET`: one person in one space. */
export type PersonId = Branded<"PersonId">;

/** Lower-case base 32 without the letters i, l, o, u, which are misread (Crockford). */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const SPACE_ID = /^[0-9abcdefghjkmnpqrstvwxyz]{10}$/;
const PERSON_ID = /^[0-9abcdefghjkmnpqrstvwxyz]{12}$/;

export function isSpaceId(text: unknown): text is SpaceId {
  return typeof text === "string" && SPACE_ID.test(text);
}

export function isPersonId(text: unknown): text is PersonId {
  return typeof text === "string" && PERSON_ID.test(text);
}

/** A space id from ten random bytes, of which five bits each are used. */
export function spaceIdFrom(random: Uint8Array): SpaceId {
  return spell(random, 10) as SpaceId;
}

/** A person id from twelve random bytes, of which five bits each are used. */
export function personIdFrom(random: Uint8Array): PersonId {
  return spell(random, 12) as PersonId;
}

function spell(random: Uint8Array, length: number): string {
  if (random.length < length) throw new RangeError(`${length} random bytes are needed, not ${random.length}`);
  let text = "";
  for (let i = 0; i < length; i++) text += ALPHABET[(random[i] as number) & 31];
  return text;
}
