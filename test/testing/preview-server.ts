// Serves the built app with made-up spaces, one for each state that a listener can meet, for tests and for people who
// want to look at them. Started by hand, it prints the address of each.

import { readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { WebSocketServer } from "ws";
import { systemClock } from "../../flow/clock.ts";
import { FakeEdge } from "../../listener/testing/fake-edge.ts";
import { readOgg } from "../../media/container/ogg/ogg-reader.ts";
import type { ErrorCode } from "../../wire/errors.ts";
import type { PersonId, SpaceId } from "../../wire/ids.ts";
import { noticeFrame } from "../../wire/listen/frames.ts";
import type { ListedSpace, PastSpaceList, RoomDocument } from "../../wire/listen/room-document.ts";
import type { StateChange } from "../../wire/log/state.ts";
import { ROUTES } from "../../wire/routes.ts";
import { FRAGMENT_PACKETS } from "../../wire/units.ts";

export interface Scene {
  readonly id: SpaceId;
  readonly room: RoomDocument | undefined;
}

export interface Preview extends AsyncDisposable {
  readonly origin: string;
  /** The fake edge of a live scene. */
  edge(name: SceneName): FakeEdge;
  pathOf(name: SceneName): string;
}

const NAMES = [
  ["Ada Lovelace"],
  ["Ada Lovelace", "Grace Hopper"],
  [
    "Ada Lovelace",
    "Grace Hopper",
    "Ursula K. Le Guin",
    "بهاء طاهر",
    "Zoë",
    "🦊 Fox",
    "Wolfeschlegelsteinhausenbergerdorff",
  ],
  Array.from({ length: 20 }, (_, i) => `${["Ada", "Ben", "Cleo", "Dana", "Emre"][i % 5]} ${"KLMNOPQ"[i % 7]}.`),
] as const;

const LONG =
  "An open meeting about the harbour, the night ferry and whether the market may stay where it has stood since 1904";

/** Forty letters and more, and every letter with three marks. */
const COMPOUND = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz";
const MARKED = [..."Zalgo of the harbour"].map((letter) => `${letter}\u0301\u0323\u0308`).join("");

const SCENES = {
  one: { names: NAMES[0] },
  two: { names: NAMES[1] },
  seven: { names: NAMES[2] },
  twenty: { names: NAMES[3] },
  long: { names: NAMES[1], title: LONG },
  compound: {
    names: [COMPOUND.slice(0, 60), MARKED.normalize("NFC").slice(0, 60)],
    title: `${COMPOUND} ${COMPOUND.slice(0, 50)}`,
  },
  arabic: { names: NAMES[2], title: "اجتماع مفتوح حول الميناء والعبّارة الليلية" },
  letters: { names: NAMES[0], title: "Zażółć gęślą · İstanbul · Příliš žluťoučký kůň · Tiếng Việt đẹp lắm" },
  emoji: { names: NAMES[1], title: "🎪 The circus is in town! 🎺 Who pays for it?" },
  before: { names: NAMES[0], phase: "created" },
  away: { names: NAMES[0], air: "hold", holdReason: "nobody-on-stage" },
  silence: { names: NAMES[1], air: "hold", holdReason: "silence" },
  "first-word": { names: NAMES[0], air: "hold" },
  stale: { names: NAMES[1], stale: true },
  "not-recorded": { names: NAMES[1], recording: "failed" },
  ended: { names: [], phase: "ended" },
  "never-live": { names: [], phase: "ended", liveUtcMs: null },
  full: { names: NAMES[1] },
  line: { names: NAMES[1], tier: "waiting", line: { count: 2_139, estimateMs: 180_000 } },
} as const satisfies Record<string, SceneShape>;
export type SceneName = keyof typeof SCENES;

interface SceneShape
  extends Partial<
    Pick<
      RoomDocument,
      "title" | "tier" | "pull" | "line" | "phase" | "air" | "holdReason" | "stale" | "recording" | "liveUtcMs"
    >
  > {
  readonly names: readonly string[];
}

const ALL = Object.keys(SCENES) as SceneName[];
const idOf = (name: SceneName): SpaceId => `scene${String(ALL.indexOf(name)).padStart(5, "0")}` as SpaceId;
const nameOf = (id: string): SceneName | undefined => ALL.find((name) => idOf(name) === id);
const DIST = join(import.meta.dirname, "../../web/dist");
const VOICE = join(import.meta.dirname, "../../media/voices/welcome.opus");
const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};
/** As an edge sends it. */
const POLICY =
  "default-src 'self'; connect-src 'self'; media-src 'self' blob: data:; img-src 'self' data:; " +
  "style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'";

export async function startPreview(port = 0): Promise<Preview> {
  const edges = new Map<SceneName, FakeEdge>();
  const edge = (name: SceneName): FakeEdge => {
    const there = edges.get(name) ?? edgeOf(name);
    edges.set(name, there);
    return there;
  };
  const server = createServer((request, response) =>
    answer(response, request.method, (request.url ?? "/").split("?")[0] ?? "/", request.headers.range),
  );
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket, request) => {
    const name = nameOf(/^\/listen\/(\w+)/.exec(request.url ?? "")?.[1] ?? "");
    if (!name) return socket.close(4404);
    if (name === "line") return socket.send(noticeFrame(IN_LINE));
    const link = edge(name).transport(request.url ?? "", {
      opened: () => undefined,
      frame: (bytes) => socket.send(bytes),
      text: () => undefined,
      closed: (code, reason) => (code === 1006 ? socket.terminate() : socket.close(code, reason)),
    });
    socket.on("message", (text) => link.send(String(text)));
    socket.on("close", () => link.close());
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    edge,
    pathOf: (name) => ROUTES.page(idOf(name)),
    async [Symbol.asyncDispose]() {
      for (const one of edges.values()) one.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(response: ServerResponse, method: string | undefined, path: string, range: string | undefined): void {
  const name = nameOf(/^\/(?:s|api\/spaces)\/(\w+)/.exec(path)?.[1] ?? "");
  if (method === "POST") json(response, path.endsWith("/guests") ? 201 : 200, GRANT);
  else if (path === ROUTES.spaces) json(response, 200, { spaces: listed(), openSpaces: "anyone" });
  else if (path.startsWith(ROUTES.past)) json(response, 200, pastPage(path));
  else if (path.endsWith("/recording.mp4")) refuse(response, 404, "no-recording");
  else if (path.endsWith("/recording.ogg")) recording(response, range);
  else if (path.endsWith("/room")) answerRoom(response, name);
  else if (path.startsWith("/api/") || path === ROUTES.hold) refuse(response, 404, "no-page");
  else if (extname(path) !== "") file(response, path);
  else page(response, path, name);
}

function answerRoom(response: ServerResponse, name: SceneName | undefined): void {
  if (!name) refuse(response, 404, "no-space");
  else if (name === "full") refuse(response, 503, "full");
  else json(response, 200, roomOf(name));
}

function page(response: ServerResponse, path: string, name: SceneName | undefined): void {
  const isKnown = name !== undefined && name !== "full";
  const boot = isKnown
    ? inlined("room", roomOf(name))
    : path === "/"
      ? inlined("spaces", { spaces: listed(), openSpaces: "anyone" })
      : "";
  response.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": POLICY });
  response.end(readFileSync(join(DIST, "index.html"), "utf8").replace("<!--boot-->", () => boot));
}

function refuse(response: ServerResponse, status: number, error: ErrorCode): void {
  json(response, status, { error, message: "", todo: "" });
}

const IN_LINE = { kind: "waiting", place: 2_140, estimateMs: 180_000, sinceUtcMs: 1 } as const;

/** The person that every request for a ticket gets. */
export const GUEST = "guest0000000" as PersonId;
/** The answer to every POST. */
const GRANT = { seq: 1, ticket: "t", pass: "p", person: GUEST, name: "Guest", expiresUtcMs: 32_503_680_000_000 };

function file(response: ServerResponse, path: string): void {
  try {
    const bytes = readFileSync(join(DIST, path.replaceAll("..", "")));
    response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream" }).end(bytes);
  } catch {
    response.writeHead(404).end();
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function inlined(id: string, value: unknown): string {
  return `<script type="application/json" id="${id}">${JSON.stringify(value).replaceAll("<", "\\u003c")}</script>`;
}

function roomOf(name: SceneName): RoomDocument {
  const { names, ...shape }: SceneShape = SCENES[name];
  const id = idOf(name);
  const nowUtcMs = systemClock.utcMs();
  return {
    id,
    title: "Who speaks for the harbour?",
    phase: "live",
    host: "Ada Lovelace",
    speakers: names.map((speaker, i) => ({
      seat: i,
      name: speaker,
      role: i === 0 ? "host" : "speaker",
      muted: i % 3 === 1,
      present: i % 7 !== 5,
    })),
    spoke: ["Ada Lovelace", "Grace Hopper", "بهاء طاهر"],
    handsCount: 0,
    handsOpen: true,
    air: "voice",
    holdReason: null,
    recording: "on",
    audience: 12_480,
    createdUtcMs: nowUtcMs - 900_000,
    liveUtcMs: shape.phase === "created" ? null : nowUtcMs - 720_000,
    endedUtcMs: shape.phase === "ended" ? nowUtcMs : null,
    endReason: shape.phase === "ended" ? "host" : null,
    lagMs: 700,
    slowLagMs: 900,
    tier: "push",
    pull: null,
    line: { count: 0, estimateMs: null },
    again: { afterMs: 4_000, spreadMs: 2_000 },
    listen: ROUTES.listen(id),
    stage: { path: ROUTES.stage(id), port: 1 },
    asOfUtcMs: nowUtcMs,
    stale: false,
    ...shape,
  };
}

function listed(): readonly ListedSpace[] {
  return (["one", "seven", "arabic", "long", "compound"] as const).map((name, i) => {
    const { id, title, phase, host, speakers, liveUtcMs } = roomOf(name);
    return {
      id,
      title,
      phase,
      host,
      speakersCount: speakers.length,
      faces: speakers.slice(0, 7).map(({ name: speaker, muted }) => ({ name: speaker, muted })),
      hostPresent: name !== "compound",
      audience: [12_480, 311, 58, 1][i] ?? 0,
      liveUtcMs,
    };
  });
}

/** A recorded voice, as the recording of every scene. */
function recording(response: ServerResponse, range: string | undefined): void {
  const bytes = readFileSync(VOICE);
  const [, first = "0", last = ""] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
  const [from, end] = [Number(first), last === "" ? bytes.length : Number(last) + 1];
  const headers = { "content-type": "audio/ogg", "accept-ranges": "bytes" };
  if (range === undefined) response.writeHead(200, { ...headers, "content-length": bytes.length });
  else response.writeHead(206, { ...headers, "content-range": `bytes ${from}-${end - 1}/${bytes.length}` });
  response.end(bytes.subarray(from, end));
}

/** Two pages, with the scenes' titles. */
function pastPage(path: string): PastSpaceList {
  const names = path === ROUTES.past ? (["ended", "long", "arabic", "compound"] as const) : (["emoji"] as const);
  const spaces = names.map((name, i) => {
    const { title, host, spoke } = roomOf(name);
    const endedUtcMs = systemClock.utcMs() - (i + 1) * 90_000_000;
    const durationMs = [2_530_000, 45_000, 4_020_000][i] ?? 600_000;
    return { id: idOf(name), title, host, spoke, liveUtcMs: endedUtcMs - durationMs, endedUtcMs, durationMs };
  });
  return { spaces, next: path === ROUTES.past ? ROUTES.pastBefore(idOf("compound")) : null };
}

/** A live edge with the state of the scene's room document and a recorded voice. */
function edgeOf(name: SceneName): FakeEdge {
  const voice = readOgg(readFileSync(VOICE))[0].packets;
  const packetsOf = (slot: number) =>
    Array.from(
      { length: FRAGMENT_PACKETS },
      (_, i) => voice[(slot * FRAGMENT_PACKETS + i) % voice.length] as Uint8Array,
    );
  const edge = new FakeEdge(systemClock, { packetsOf, audience: 12_480 });
  const { id, title, host, speakers, air, holdReason, recording, createdUtcMs } = roomOf(name);
  edge.appendState({
    kind: "created",
    id,
    title,
    host: "host00000000" as PersonId,
    hostName: host,
    originUtcMs: createdUtcMs,
  });
  edge.appendState({ kind: "recording", recording });
  for (const { seat, name: speaker, role, muted, present } of speakers) {
    const person = `p${String(seat).padStart(11, "0")}` as PersonId;
    const changes: StateChange[] = [
      { kind: "seated", seat, person, name: speaker, role },
      { kind: "present", seat, present },
      { kind: "muted", seat, muted, by: "self" },
    ];
    for (const change of changes) edge.appendState(change);
  }
  edge.appendState({ kind: "air", air, ...(holdReason === null ? {} : { reason: holdReason }) });
  if (name === "full") edge.refuseWith = { code: 4506, reason: "full" };
  return edge;
}

if (import.meta.main) {
  const { origin, pathOf } = await startPreview(Number(process.argv[2] ?? 0));
  for (const name of ALL) process.stdout.write(`${origin}${pathOf(name)}  ${name}\n`);
}
