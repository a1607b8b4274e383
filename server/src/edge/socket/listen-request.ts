// Reads a listener's request from its WebSocket URL, and writes the query to resume.

import { Refusal } from "@hustings/wire/errors.ts";
import { FASTEST_CADENCE_MS } from "@hustings/wire/listen/cadence.ts";
import { type ListenPosition, listenQuery } from "@hustings/wire/listen/listen-query.ts";
import { MAX_SLOT } from "@hustings/wire/log/fragment.ts";
import { LISTEN_QUERY } from "@hustings/wire/routes.ts";
import { RENDITIONS } from "@hustings/wire/units.ts";

const MAX_HELD_MS = 60_000;

/** Without `nextSlot` the listener is a newcomer; without `stateSeq` it needs a snapshot. */
export type ListenRequest = ListenPosition & Required<Pick<ListenPosition, "nextSlot" | "stateSeq">>;

/** Throws a Refusal: `bad-cursor` for a bad number, `bad-request` for an unknown rendition. */
export function readListenRequest(search: URLSearchParams): ListenRequest {
  const query = firstValues(search);
  const wanted = query.get(LISTEN_QUERY.rendition) ?? null;
  const rendition = wanted === null ? RENDITIONS[0] : RENDITIONS.find((known) => known === wanted);
  if (!rendition) throw new Refusal("bad-request", `There is no rendition ${JSON.stringify(wanted).slice(0, 40)}.`);
  return {
    rendition,
    nextSlot: numberOf(query, LISTEN_QUERY.nextSlot, MAX_SLOT + 1),
    stateSeq: numberOf(query, LISTEN_QUERY.stateSeq, Number.MAX_SAFE_INTEGER),
    momentSeq: numberOf(query, LISTEN_QUERY.momentSeq, Number.MAX_SAFE_INTEGER),
    heldCadenceMs: numberOf(query, LISTEN_QUERY.cadenceMs, MAX_HELD_MS),
    claim: query.get(LISTEN_QUERY.claim),
  };
}

/** For close reasons, which are short. */
export function resumeQuery(request: ListenRequest): string {
  const { claim: _claim, heldCadenceMs, ...position } = request;
  return listenQuery({ ...position, heldCadenceMs: heldCadenceMs === FASTEST_CADENCE_MS ? undefined : heldCadenceMs });
}

// One pass over the parameters costs less than a look for each name.
function firstValues(search: URLSearchParams): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of search) if (!values.has(name)) values.set(name, value);
  return values;
}

function numberOf(query: ReadonlyMap<string, string>, name: string, most: number): number | undefined {
  const text = query.get(name);
  if (text === undefined) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= most)) throw new Refusal("bad-cursor", `"${name}" is not ${JSON.stringify(text).slice(0, 40)}.`);
  return value;
}
