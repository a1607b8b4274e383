// Owns what people may ask of a stage: one language over two ways (a seated person's data channel, HTTP for all).
// Refuses to know who is allowed what; the stage decides.

import { Refusal } from "../errors.ts";
import { isPersonId, type PersonId } from "../ids.ts";
import { cleanTitle } from "../text.ts";
import { MAX_SEATS } from "../units.ts";

export type Command =
  /** Host: from now on everyone hears the stage. A second "live" is answered as the first, and changes nothing. */
  | { readonly do: "live" }
  /** Host: the end, for everyone, for good. A second "end" is answered as the first; once it is over, with "ended". */
  | { readonly do: "end" }
  /** Host: a new title. */
  | { readonly do: "title"; readonly title: string }
  /** Anyone with a ticket: ask to speak, or take it back. */
  | { readonly do: "hand"; readonly up: boolean }
  /** Host: put somebody's hand down. */
  | { readonly do: "lower"; readonly person: PersonId }
  /** Host: offer a seat to somebody whose hand is up; take the offer back. */
  | { readonly do: "invite"; readonly person: PersonId }
  | { readonly do: "uninvite"; readonly person: PersonId }
  /** Who was invited: take the seat, or not. */
  | { readonly do: "accept" }
  | { readonly do: "decline" }
  /** Who is seated: leave the stage for good. */
  | { readonly do: "leave" }
  /** Self, or the host. A host can mute anyone; only oneself can unmute. */
  | { readonly do: "mute"; readonly seat: number; readonly muted: boolean }
  /** Host: take somebody off the stage. They cannot come back unless invited anew. */
  | { readonly do: "remove"; readonly seat: number };

/** Checks a command from outside. Throws `bad-json` naming the value that is wrong; unknown fields are dropped. */
export function parseCommand(value: unknown): Command {
  if (typeof value !== "object" || value === null) throw new Refusal("bad-json", "A command is an object.");
  const fields = value as Record<string, unknown>;
  switch (fields["do"]) {
    case "live":
    case "end":
    case "accept":
    case "decline":
    case "leave":
      return { do: fields["do"] };
    case "title":
      return { do: "title", title: cleanTitle(fields["title"]) };
    case "hand":
      return { do: "hand", up: flag(fields, "up") };
    case "lower":
    case "invite":
    case "uninvite":
      return { do: fields["do"], person: person(fields) };
    case "mute":
      return { do: "mute", seat: seat(fields), muted: flag(fields, "muted") };
    case "remove":
      return { do: "remove", seat: seat(fields) };
    default:
      throw new Refusal("bad-json", `There is no command ${JSON.stringify(fields["do"])?.slice(0, 40)}.`);
  }
}

function flag(fields: Record<string, unknown>, name: string): boolean {
  const value = fields[name];
  if (typeof value !== "boolean") throw new Refusal("bad-json", `"${name}" is true or false.`);
  return value;
}

function person(fields: Record<string, unknown>): PersonId {
  const value = fields["person"];
  if (!isPersonId(value)) throw new Refusal("bad-json", `"person" is not a person's id.`);
  return value;
}

function seat(fields: Record<string, unknown>): number {
  const value = fields["seat"];
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) >= MAX_SEATS) {
    throw new Refusal("bad-json", `"seat" is a number from 0 to ${MAX_SEATS - 1}.`);
  }
  return value as number;
}
