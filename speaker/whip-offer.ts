// Sends a WHIP offer to the stage (RFC 9725 §4.2) and reads its answer.

import { Refusal, refusalFromBody } from "@hustings/wire/errors.ts";

export interface WhipOffer {
  readonly url: string;
  readonly ticket: string;
  readonly sdp: string;
  readonly deadlineMs: number;
}

export interface IceServer {
  readonly urls: string;
  readonly username?: string;
  readonly credential?: string;
}

export interface WhipAnswer {
  readonly sdp: string;
  /** The last part of the answer's Location. Unguessable; undefined when the answer has no Location. */
  readonly callId: string | undefined;
  /** Servers for the next connection: this one has gathered already. */
  readonly iceServers: readonly IceServer[];
}

/** Throws the stage's Refusal; `stage-away` without a response, `internal` for an unexpected status. */
export async function sendOffer({ url, ticket, sdp, deadlineMs }: WhipOffer): Promise<WhipAnswer> {
  const headers = { "content-type": "application/sdp", authorization: `Bearer ${ticket}` };
  const init = { method: "POST", headers, body: sdp, signal: AbortSignal.timeout(deadlineMs) };
  const response = await fetch(url, init).catch((cause: unknown) => {
    throw new Refusal("stage-away", "The stage does not answer just now.", { cause });
  });
  const body = await response.text();
  if (response.status === 201) {
    const callId = response.headers.get("location")?.split("/").at(-1);
    return { sdp: body, callId, iceServers: parseIceServers(response.headers.get("link") ?? "") };
  }
  throw refusalFromBody(body) ?? new Refusal("internal", `The server returned ${response.status}.`);
}

/** Parses a Link header (RFC 9725 §4.6); other links are ignored. */
export function parseIceServers(header: string): IceServer[] {
  return header.split(/,\s*(?=<)/).flatMap((link) => {
    const urls = /^\s*<((?:stun|turns?):[^>]+)>/.exec(link)?.[1];
    if (urls === undefined || parameterOf(link, "rel") !== "ice-server") return [];
    const [username, credential] = [parameterOf(link, "username"), parameterOf(link, "credential")];
    return [username === undefined || credential === undefined ? { urls } : { urls, username, credential }];
  });
}

function parameterOf(link: string, name: string): string | undefined {
  return new RegExp(`;\\s*${name}="([^"]*)"`).exec(link)?.[1];
}
