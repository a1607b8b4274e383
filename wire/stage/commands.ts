// The commands to a stage, over a seated person's data channel or over HTTP. The stage decides who may use which.

import { Refusal } from "../errors.ts";
import { isPersonId, type PersonId } from "../ids.ts";
import { cleanTitle } from "../text.ts";
import { MAX_SEATS } from "../units.ts";

export type Command =
  /** Host: listeners hear the stage from now on. Idempotent. */
  | { readonly do: "live" }
  /** Host: ends the space for good. Idempotent until the stage has closed the space, then `ended`. */
  | { readonly do: "end" }
  | { readonly do: "title"; readonly title: string }
  /** A listener with a ticket: asks to speak, or withdraws that. */
  | { readonly do: "hand"; readonly up: boolean }
  /** Host: whether listeners may raise hands. Closing them lowers none. */
  | { readonly do: "hands"; readonly open: boolean }
  /** Host: lowers somebody's hand. */
  | { readonly do: "lower"; readonly person: PersonId }
  /** Host: offers a seat to a raised hand or a removed person, or withdraws the offer. */
  | { readonly do: "invite"; readonly person: PersonId }
  | { readonly do: "uninvite"; readonly person: PersonId }
  /** The invited person: takes the seat. */
  | { readonly do: "accept" }
  | { readonly do: "decline" }
  /** The seated person: gives up the seat. */
  | { readonly do: "leave" }
  /** The seated person or the host. Only the person in the seat may unmute it. */
  | { readonly do: "mute"; readonly seat: number; readonly muted: boolean }
  /** Host: the person may return only when invited again. On the host's own seat it ends the host's calls. */
  | { readonly do: "remove"; readonly seat: number };

/** Drops unknown fields. Throws `bad-json` or `bad-title`, naming the wrong value. */
export function parseCommand(value: unknown): Command {
  if (typeof value !== "object" || value === null) throw new Refusal("bad-json", "A command must be an object.");
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
    case "hands":
      return { do: "hands", open: flag(fields, "open") };
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
  if (typeof value !== "boolean") throw new Refusal("bad-json", `"${name}" must be true or false.`);
  return value;
}

function person(fields: Record<string, unknown>): PersonId {
  const value = fields["person"];
  if (!isPersonId(value)) throw new Refusal("bad-json", `"person" must be a person's id.`);
  return value;
}

function seat(fields: Record<string, unknown>): number {
  const value = fields["seat"];
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) >= MAX_SEATS) {
    throw new Refusal("bad-json", `"seat" must be a whole number from 0 to ${MAX_SEATS - 1}.`);
  }
  return value as number;
}
