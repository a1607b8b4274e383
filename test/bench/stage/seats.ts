// Seats speakers for a bench, over the public door as a person would: a host who starts the space, and guests who raise
// a hand, are invited and accept.

import { startSpeaking } from "../../../cli/speak.ts";
import { connectSpeaker, type Speaker, type SpeakerOptions } from "../../../speaker/node/whip-client.ts";
import { ROUTES } from "../../../wire/routes.ts";
import type { Command } from "../../../wire/stage/commands.ts";
import type { CreatedSpace } from "../../testing/running-server.ts";

export interface Doors {
  readonly doorUrl: string;
  readonly stageUrl: string;
}

export type Ears = Pick<SpeakerOptions, "onPacket">;

/** Seats the host, unmuted, and starts the space. */
export async function seatHost({ stageUrl }: Doors, space: CreatedSpace, ears: Ears = {}): Promise<Speaker> {
  const whipUrl = stageUrl + ROUTES.stage(space.id);
  const speaker = await connectSpeaker({ whipUrl, ticket: space.hostTicket, ...ears });
  await startSpeaking(speaker, true);
  return speaker;
}

/** Seats one more speaker, unmuted. */
export async function seatGuest(doors: Doors, space: CreatedSpace, name: string, ears: Ears = {}): Promise<Speaker> {
  const { ticket, person } = await post<{ ticket: string; person: string }>(doors, ROUTES.guests(space.id), { name });
  await order(doors, space, ticket, { do: "hand", up: true });
  await order(doors, space, space.hostTicket, { do: "invite", person: person as never });
  await order(doors, space, ticket, { do: "accept" });
  const speaker = await connectSpeaker({ whipUrl: doors.stageUrl + ROUTES.stage(space.id), ticket, ...ears });
  await startSpeaking(speaker, false);
  return speaker;
}

function order(doors: Doors, space: CreatedSpace, ticket: string, command: Command): Promise<unknown> {
  return post(doors, ROUTES.commands(space.id), command, ticket);
}

async function post<Answer>({ doorUrl }: Doors, path: string, body: unknown, ticket?: string): Promise<Answer> {
  const response = await fetch(doorUrl + path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(ticket === undefined ? {} : { authorization: `Bearer ${ticket}` }),
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${text}`);
  return JSON.parse(text) as Answer;
}
