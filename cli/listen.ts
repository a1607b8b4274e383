// `hustings listen`: a listener in the terminal that follows the same policy as the page. Plays no sound.

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { parseArgs } from "node:util";
import { repeat, systemClock } from "@hustings/flow/clock.ts";
import { askDoor } from "@hustings/listener/headless/door-client.ts";
import { type HeadlessListener, startHeadlessListener } from "@hustings/listener/headless/headless.ts";
import type { SpaceLink } from "@hustings/listener/headless/space-link.ts";
import { createOggWriter } from "@hustings/media/container/ogg/ogg-writer.ts";
import { fileError } from "@hustings/speaker/node/file-error.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import { USUAL_RENDITION } from "@hustings/wire/units.ts";
import { readRendition, readSeconds } from "./options/arguments.ts";
import { LINK_HELP, takeLink } from "./options/link.ts";

export const usage = `hustings listen URL [--out file.ogg] [--json] [--seconds N] [--rendition 32|16]
  Listens to a space and prints levels, lag and gaps once a second.
  URL          ${LINK_HELP}
  --out        write the sound as it would be heard to an Ogg Opus file
  --json       print a JSON object a line instead of text
  --seconds    stop after this time
  --rendition  kilobits a second: 32 (default) or 16`;

const PRINT_MS = 1_000;
const TERMINAL_METER = 24;

export async function run(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      out: { type: "string" },
      json: { type: "boolean" },
      seconds: { type: "string" },
      rendition: { type: "string" },
    },
  });
  const link = await takeLink(positionals[0], process.env, process.stdin);
  const rendition = readRendition(values.rendition ?? USUAL_RENDITION);
  const limitMs = readSeconds("seconds", values.seconds) ?? Infinity;
  await assertThere(link);
  const file = values.out === undefined ? undefined : await openOggFile(values.out);
  const url = `${link.origin.replace(/^http/, "ws")}${ROUTES.listen(link.id)}`;
  const listener = startHeadlessListener({
    url,
    rendition,
    verify: true,
    ...(file ? { onWrite: (_at, packets) => file.write(packets) } : {}),
  });
  const print = values.json === true ? printJson : printText;
  await watch(listener, limitMs, signal, () => print(listener));
  listener.stop();
  print(listener);
  await file?.end();
  if (values.json !== true) process.stdout.write("\n");
  if (listener.session.lastError === "no-space") throw noSpace();
}

/** Throws if no server answers, or it does not know the space. A listener then waits as long as it takes. */
async function assertThere({ origin, id }: SpaceLink): Promise<void> {
  try {
    await askDoor("GET", `${origin}${ROUTES.room(id)}`);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.code === "no-space") throw noSpace();
  }
}

function noSpace(): Error {
  return new Error("There is no space at this link.");
}

function watch(listener: HeadlessListener, limitMs: number, signal: AbortSignal, print: () => void): Promise<void> {
  const endMs = systemClock.monotonicMs() + limitMs;
  return new Promise((resolve) => {
    const timer = repeat(systemClock, Math.min(PRINT_MS, limitMs), () => {
      print();
      const { link, ear } = listener.stats();
      if (link === "refused" || ear === "finished" || systemClock.monotonicMs() >= endMs) stop();
    });
    const stop = (): void => {
      timer.cancel();
      resolve();
    };
    signal.addEventListener("abort", stop, { once: true });
  });
}

interface OggFile {
  write(packets: readonly Uint8Array[]): void;
  /** Resolves when everything is on disk. Rejects with a sentence for people when the file could not be written. */
  end(): Promise<void>;
}

async function openOggFile(path: string): Promise<OggFile> {
  const writer = createOggWriter();
  const stream = createWriteStream(path);
  const sentence = (cause: unknown): never => {
    throw new Error(fileError(path, cause), { cause });
  };
  await once(stream, "open").catch(sentence);
  const whole = finished(stream).catch(sentence);
  // `end` reports the error.
  whole.catch(() => undefined);
  stream.write(writer.head);
  return {
    write(packets) {
      for (const packet of packets) stream.write(writer.packet(packet));
    },
    end() {
      stream.end(writer.end());
      return whole;
    },
  };
}

function printJson(listener: HeadlessListener): void {
  const { title, phase } = listener.state;
  const line = { title, phase, ...listener.stats(), levels: listener.levels(), faults: listener.faults };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function printText(listener: HeadlessListener): void {
  const stats = listener.stats();
  const gaps = stats.gaps === 1 ? "1 gap" : `${stats.gaps} gaps`;
  const line = [
    listener.state.title || "…",
    stats.link,
    `${(stats.lagMs / 1000).toFixed(1)} s behind`,
    `${gaps} (${stats.gapMs} ms)`,
    `${stats.heardSlots} slots heard, ${stats.skippedSlots} skipped`,
    meter(listener.levels()),
  ].join(" · ");
  process.stdout.write(process.stdout.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
}

/** Full at 0 dBov, empty at −60 dBov. */
function meter([loudest]: readonly SeatLevel[]): string {
  const share = loudest ? Math.max(0, 1 - loudest.levelDbov / 60) : 0;
  const full = Math.round(share * TERMINAL_METER);
  return `▕${"█".repeat(full)}${" ".repeat(TERMINAL_METER - full)}▏`;
}
