// The details that a host gives when opening a space, as a state carries them. Their rules are in space-details.ts, which a
// page does not load.

/** For spaces opened before a detail existed. */
export const NO_DETAILS = { title: "" };

export type SpaceDetails = Readonly<typeof NO_DETAILS>;

/** Missing details have their value for older spaces. */
export function detailsOf(source: Partial<SpaceDetails>): SpaceDetails {
  const names = Object.keys(NO_DETAILS) as (keyof SpaceDetails)[];
  return Object.fromEntries(names.map((name) => [name, source[name] ?? NO_DETAILS[name]])) as SpaceDetails;
}
