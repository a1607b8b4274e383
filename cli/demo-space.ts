// The demo space of `npm start`: a synthetic host who welcomes every listener. Uses the public door only.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Clock, sleep, systemClock } from "@hustings/flow/clock.ts";
import { type RetryPolicy, retryDelayMs } from "@hustings/flow/retry.ts";
import { askDoor } from "@hustings/listener/headless/door-client.ts";
import { readSpaceLink } from "@hustings/listener/headless/space-link.ts";
import { readVoice, silence, speakPackets } from "@hustings/speaker/node/voice-file.ts";
import { connectSpeaker } from "@hustings/speaker/node/whip-client.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import { hostTicketFor, startSpeaking } from "./speak.ts";

const WELCOME = fileURLToPath(new URL("../media/voices/welcome.opus", import.meta.url));
const PAUSE_SECONDS = 3;
const RECONNECT: RetryPolicy = { firstMs: 500, capMs: 10_000, tries: Infinity };

export interface DemoOptions {
  readonly doorUrl: string;
  readonly dataDir: string;
  readonly signal: AbortSignal;
  readonly onAir?: (spaceUrl: string) => void;
  readonly clock?: Clock;
}

/** Reconnects after every loss, until `signal` aborts. Never throws. */
export async function keepDemoSpace(options: DemoOptions): Promise<void> {
  const clock = options.clock ?? systemClock;
  const packets = [...(await readVoice(WELCOME)), ...(await silence(PAUSE_SECONDS))];
  for (let attempt = 0; !options.signal.aborted; attempt++) {
    try {
      await hostOnce(options, packets, () => {
        attempt = 0;
      });
    } catch (error) {
      if (error instanceof Refusal && (error.code === "no-space" || error.code === "ended"))
        await forgetHostUrl(options.dataDir);
    }
    const delayMs = retryDelayMs(RECONNECT, attempt, Math.random) as number;
    await sleep(clock, delayMs, options.signal).catch(() => {});
  }
}

async function hostOnce(options: DemoOptions, packets: readonly Uint8Array[], onAir: () => void): Promise<void> {
  const hostUrl = (await loadHostUrl(options)) ?? (await createSpace(options));
  const link = readSpaceLink(hostUrl);
  const over = Promise.withResolvers<void>();
  const speaker = await connectSpeaker({
    whipUrl: `${options.doorUrl}${ROUTES.stage(link.id)}`,
    ticket: await hostTicketFor(link),
    onClosed: () => over.resolve(),
  });
  const stop = (): void => speaker.close();
  options.signal.addEventListener("abort", stop, { once: true });
  const speaking = speakPackets(packets, (packet) => void speaker.sendPacket(packet), { loops: true });
  try {
    await startSpeaking(speaker, true);
    onAir();
    options.onAir?.(`${link.origin}${ROUTES.page(link.id)}`);
    await over.promise;
  } finally {
    speaking.cancel();
    speaker.close();
    options.signal.removeEventListener("abort", stop);
  }
}

const hostUrlFile = (dataDir: string): string => join(dataDir, "demo-space.json");

/** Returns the host link of an earlier start, with the door's current address. */
async function loadHostUrl({ dataDir, doorUrl }: DemoOptions): Promise<string | undefined> {
  try {
    const { hostUrl } = JSON.parse(await readFile(hostUrlFile(dataDir), "utf8")) as { hostUrl: string };
    const { pathname, hash } = new URL(hostUrl);
    return new URL(pathname + hash, doorUrl).href;
  } catch {
    return undefined;
  }
}

async function createSpace({ dataDir, doorUrl }: DemoOptions): Promise<string> {
  const title = "Welcome to Hustings";
  const { hostUrl } = await askDoor<{ hostUrl: string }>("POST", doorUrl + ROUTES.spaces, { title, name: "Hustings" });
  await writeFile(hostUrlFile(dataDir), JSON.stringify({ hostUrl }), { mode: 0o600 });
  return new URL(new URL(hostUrl).pathname + new URL(hostUrl).hash, doorUrl).href;
}

async function forgetHostUrl(dataDir: string): Promise<void> {
  await writeFile(hostUrlFile(dataDir), "{}", { mode: 0o600 });
}
