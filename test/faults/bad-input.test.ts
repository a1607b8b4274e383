// Sends malformed, forged and forbidden requests over real sockets. Each gets its row of the error table, the server goes on,
// and a listener misses nothing.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../flow/clock.ts";
import { loadOrCreateKeys } from "../../server/src/tickets/keys.ts";
import { ticketSigner } from "../../server/src/tickets/sign.ts";
import type { TicketPayload } from "../../wire/api/tickets.ts";
import type { PersonId, SpaceId } from "../../wire/ids.ts";
import { ROUTES } from "../../wire/routes.ts";
import { newGuest, post, startLiveSpace } from "../testing/fake-speaker.ts";
import { assertUndisturbed, startListening } from "../testing/recording-listener.ts";
import { type CreatedSpace, type RunningServer, startServer } from "../testing/running-server.ts";

const STRANGE_BYTES = 2_000;

test("the door and the stage refuse every bad request by its row of the error table, and a listener misses nothing", async (t) => {
  await using server = await startServer();
  using live = await startLiveSpace(server, "Under fire");
  using listener = await startListening(server, live.space);
  const { space } = live;
  const other = await server.create("Another");
  const guest = await newGuest(server, space, "Eve");
  const expired = await expiredTicket(server, space.hostTicket);
  const wrong = { guest: guest.ticket, other: other.hostTicket, expired, tampered: tamperedOf(space.hostTicket) };
  const refusals = [...offersRefused(server, space, wrong), ...requestsRefused(server, space, wrong)];
  for (const [what, answering, code] of refusals) {
    const answer = await answering;
    const { error } = (await answer.json()) as { error: string };
    assert.equal(error, code, `${what}: ${answer.status} ${error}`);
  }
  t.diagnostic(`${refusals.length} requests were refused`);

  await closeCodesAreNamed(server, space);
  await strangeBytesAreAnswered(server);
  await flood(await udpPortOf(server));

  const commands = server.doorUrl + ROUTES.commands(space.id);
  const replaced = await post(server.doorUrl + ROUTES.hostLink(space.id), {}, space.hostTicket);
  assert.ok(replaced.ok, `${replaced.status}`);
  const revoked = await post(commands, { do: "title", title: "Mine" }, space.hostTicket);
  assert.equal(((await revoked.json()) as { error: string }).error, "ticket-revoked");

  await listener.hearsMore(10);
  assertUndisturbed(listener, "the listener");
  assert.equal(live.host.connections, 1);
  t.diagnostic(`the listener waited ${listener.waitedMs()} ms`);
  assert.deepEqual(/"level":(50|60)/.exec(server.output()), null, "the server logged no error of its own");
});

type Refused = readonly [what: string, answer: Promise<Response>, code: string];

interface WrongTickets {
  readonly guest: string;
  readonly other: string;
  readonly expired: string;
  readonly tampered: string;
}

function tamperedOf(ticket: string): string {
  return `${ticket.slice(0, -8)}AAAAAAAA`;
}

function offersRefused(server: RunningServer, space: CreatedSpace, wrong: WrongTickets): Refused[] {
  const whip = server.stageUrl + ROUTES.stage(space.id);
  const offer = (body: string, ticket?: string, type = "application/sdp") =>
    fetch(whip, {
      method: "POST",
      headers: { "content-type": type, ...(ticket === undefined ? {} : { authorization: `Bearer ${ticket}` }) },
      body,
    });
  return [
    ["an offer without a ticket", offer("v=0"), "no-ticket"],
    ["an offer that is no SDP", offer("v=0 nonsense", space.hostTicket), "bad-sdp"],
    ["an offer of random text", offer(randomBytes(500).toString("base64"), space.hostTicket), "bad-sdp"],
    ["an offer without sound", offer("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", space.hostTicket), "bad-sdp"],
    ["an offer of another type", offer("{}", space.hostTicket, "application/json"), "bad-offer-type"],
    ["an offer far too long", offer("v".repeat(200_000), space.hostTicket), "too-large"],
    ["an offer of a person without an invitation", offer("v=0", wrong.guest), "not-invited"],
    ["a tampered ticket", offer("v=0", wrong.tampered), "ticket-invalid"],
    ["an expired ticket", offer("v=0", wrong.expired), "ticket-expired"],
    ["a ticket of another space", offer("v=0", wrong.other), "wrong-space"],
    [
      "a method that is not one",
      fetch(whip, { method: "PATCH", headers: { authorization: `Bearer ${space.hostTicket}` } }),
      "not-allowed",
    ],
  ];
}

function requestsRefused(server: RunningServer, space: CreatedSpace, wrong: WrongTickets): Refused[] {
  const commands = server.doorUrl + ROUTES.commands(space.id);
  return [
    ["no JSON", post(commands, "{", space.hostTicket), "bad-json"],
    ["JSON of a wrong shape", post(commands, { do: "fly" }, space.hostTicket), "bad-json"],
    ["a body too large", post(commands, { do: "title", title: "x".repeat(100_000) }, space.hostTicket), "too-large"],
    ["a guest who goes live", post(server.doorUrl + ROUTES.live(space.id), {}, wrong.guest), "host-only"],
    ["a guest who mutes the host", post(commands, { do: "mute", seat: 0, muted: true }, wrong.guest), "host-only"],
    [
      "the host who unmutes a seat that is not theirs",
      post(commands, { do: "mute", seat: 7, muted: true }, space.hostTicket),
      "no-person",
    ],
    ["an expired ticket at the door", post(commands, { do: "live" }, wrong.expired), "ticket-expired"],
    ["a tampered ticket at the door", post(commands, { do: "live" }, wrong.tampered), "ticket-invalid"],
    ["a ticket of another space at the door", post(commands, { do: "live" }, wrong.other), "wrong-space"],
    [
      "a space that is not there",
      post(server.doorUrl + ROUTES.guests("0000000000" as SpaceId), { name: "A" }),
      "no-space",
    ],
    ["a nameless guest", post(server.doorUrl + ROUTES.guests(space.id), { name: "" }), "bad-name"],
    ["a title of nothing", post(server.doorUrl + ROUTES.spaces, { title: "\u0000" }), "bad-title"],
    [
      "a wrong host secret",
      post(server.doorUrl + ROUTES.tickets(space.id), { secret: "A".repeat(43) }),
      "ticket-invalid",
    ],
    ["a page that is not there", fetch(`${server.doorUrl}/api/nowhere`), "no-page"],
  ];
}

async function closeCodesAreNamed(server: RunningServer, space: CreatedSpace): Promise<void> {
  const listenUrl = server.doorUrl.replace(/^http/, "ws") + ROUTES.listen(space.id);
  assert.equal(await closeCodeOf(`${listenUrl}?next=banana`), 4401, "a malformed cursor");
  assert.equal(await closeCodeOf(`${listenUrl}?next=4000000000&seq=5`), 4401, "a cursor from beyond");
  assert.equal(await closeCodeOf(`${listenUrl}?r=999`), 4400, "a rendition that is not one");
  assert.equal(await closeCodeOf(listenUrl.replace(space.id, "0000000000")), 4404, "no such space");
  assert.equal(await closeCodeOf(listenUrl, randomBytes(64)), 4402, "bytes that are no message");
  assert.equal(await closeCodeOf(listenUrl, "hello"), 4402, "a text");
  assert.equal(await closeCodeOf(listenUrl, new Uint8Array(100_000)), 4413, "a message far too long");
}

async function strangeBytesAreAnswered(server: RunningServer): Promise<void> {
  const [doorPort, stagePort] = [server.doorUrl, server.stageUrl].map((url) => Number(new URL(url).port));
  for (const port of [doorPort, stagePort]) {
    assert.match(await rawAnswer(port as number, "NONSENSE\r\n\r\n"), /^HTTP\/1\.1 400 /);
    assert.match(
      await rawAnswer(port as number, `GET / HTTP/1.1\r\nx: ${"y".repeat(200_000)}\r\n\r\n`),
      /^(HTTP\/1\.1 4(13|31|00) |$)/,
    );
    await rawAnswer(port as number, randomBytes(4_096));
  }
}

/** The grant of `ticket`, signed with the key of the server, and expired an hour ago. */
async function expiredTicket(server: RunningServer, ticket: string): Promise<string> {
  const payload = Buffer.from(ticket.split(".")[1] ?? "", "base64url").toString();
  const { aud, sub, name, gen = 0 } = JSON.parse(payload) as TicketPayload;
  const { privateJwks } = await loadOrCreateKeys(server.dataDir);
  const longAgo = { ...systemClock, utcMs: () => systemClock.utcMs() - 3_600_000 };
  const sign = ticketSigner(privateJwks[0] as (typeof privateJwks)[number], longAgo);
  const claims = { space: aud as SpaceId, person: sub as PersonId, name, generation: gen };
  return (await sign.ticket(claims)).ticket;
}

async function closeCodeOf(url: string, message?: string | Uint8Array<ArrayBuffer>): Promise<number> {
  const socket = new WebSocket(url, "hustings.1");
  const closed = once(socket, "close") as Promise<[CloseEvent]>;
  socket.addEventListener("open", () => message !== undefined && socket.send(message));
  const [{ code }] = await closed;
  return code;
}

async function rawAnswer(port: number, bytes: string | Uint8Array): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.on("data", (part) => {
    text += part;
  });
  // A reset counts as an empty answer: the server stopped reading.
  socket.on("error", () => {});
  socket.write(bytes);
  socket.end();
  await new Promise((resolve) => socket.on("close", resolve));
  return text;
}

async function udpPortOf({ dataDir }: RunningServer): Promise<number> {
  const settings: unknown = JSON.parse(await readFile(join(dataDir, "run", "settings.json"), "utf8"));
  return (settings as { udpPort: number }).udpPort;
}

/** Sends random datagrams that begin like STUN, DTLS, SRTP, or none of them. */
async function flood(port: number): Promise<void> {
  const socket = createSocket("udp4");
  for (let i = 0; i < STRANGE_BYTES; i++) {
    const bytes = randomBytes(1 + (i % 1_200));
    bytes[0] = [0, 22, 128, i & 255][i % 4] as number;
    await new Promise<void>((resolve) => socket.send(bytes, port, "127.0.0.1", () => resolve()));
  }
  socket.close();
}
