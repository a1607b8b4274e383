// Runs pulling listeners in their own process, one connection each: LL-HLS with blocking reloads, each part once and in
// order; or one endless response, as Icecast gives.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

export interface PullOrder {
  /** URL of a media playlist, or of an endless response. */
  readonly url: string;
  readonly kind: "hls" | "endless";
  readonly listeners: number;
}

export interface PullReport {
  /** Of response bodies, before decompression. */
  readonly bytes: number;
  readonly requests: number;
  readonly parts: number;
  /** Responses other than 200, broken connections and skipped parts; `words` describes the first few. */
  readonly faults: number;
  readonly words: readonly string[];
}

export interface Pullers extends AsyncDisposable {
  /** Counts since the last report. */
  report(): Promise<PullReport>;
}

const ENTRY = fileURLToPath(import.meta.url);
/** The same as the edges', so that generators do not compete unfairly. */
const NICE = 10;
/** All listeners join within this time. */
const ARRIVE_MS = 1_000;
const MAX_WORDS = 5;

/** Resolves once the process is started; its listeners join over the next second. */
export async function startPullers(order: PullOrder): Promise<Pullers> {
  const child: ChildProcess = fork(ENTRY, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const exited = once(child, "exit");
  const ended = exited.then(([code]) => Promise.reject(new Error(`the pullers exited with ${code}`)));
  ended.catch(() => undefined);
  if (child.pid !== undefined) setPriority(child.pid, NICE);
  child.send(order);
  return {
    async report() {
      const answer = once(child, "message");
      child.send("report");
      const [report] = (await Promise.race([answer, ended])) as [PullReport];
      return report;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await exited;
    },
  };
}

let counts = { bytes: 0, requests: 0, parts: 0, faults: 0, words: [] as string[] };

function fault(words: string): void {
  counts.faults++;
  if (counts.words.length < MAX_WORDS) counts.words.push(words);
}

function get(url: string, agent: Agent): Promise<string> {
  counts.requests++;
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent, headers: { "accept-encoding": "gzip" } }, (answer) => {
      const body: Buffer[] = [];
      answer.on("data", (some: Buffer) => {
        counts.bytes += some.length;
        body.push(some);
      });
      answer.on("end", () => {
        const bytes = Buffer.concat(body);
        if (answer.statusCode === 200)
          resolve(String(answer.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes));
        else reject(new Error(`${answer.statusCode} for ${url.slice(-60)}`));
      });
      answer.on("error", reject);
    });
    asked.on("error", reject);
    asked.end();
  });
}

/** Reads forever; after a fault it starts again at the head. */
async function followHls(url: string): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let seen = -1, query = ""; ; ) {
    try {
      const playlist = await get(url + query, agent);
      const parts = [...playlist.matchAll(/URI="p(\d+)\.m4s",INDEPENDENT/g)].map(([, slot]) => Number(slot));
      const fresh = seen < 0 ? parts.slice(-3) : parts.filter((slot) => slot > seen);
      if (seen >= 0 && fresh.length > 0 && fresh[0] !== seen + 5) fault(`skipped from slot ${seen} to ${fresh[0]}`);
      for (const slot of fresh) {
        await get(new URL(`p${slot}.m4s`, url).href, agent);
        counts.parts++;
        seen = slot;
      }
      query = nextQuery(playlist);
    } catch (cause) {
      fault((cause as Error).message);
      [seen, query] = [-1, ""];
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

function nextQuery(playlist: string): string {
  const first = Number(/MEDIA-SEQUENCE:(\d+)/.exec(playlist)?.[1] ?? 0);
  const segments = playlist.split("#EXTINF:");
  const parts = segments.at(-1)?.match(/#EXT-X-PART:/g)?.length ?? 0;
  return `?_HLS_msn=${first + segments.length - 1}&_HLS_part=${parts}`;
}

function followEndless(url: string): void {
  counts.requests++;
  const asked = request(url, { agent: false }, (answer) => {
    if (answer.statusCode !== 200) fault(`${answer.statusCode} for ${url}`);
    answer.on("data", (some: Buffer) => {
      counts.bytes += some.length;
    });
    answer.on("end", () => fault("the response ended"));
  });
  asked.on("error", (cause) => fault(cause.message));
  asked.end();
}

function follow({ url, kind, listeners }: PullOrder): void {
  for (let i = 0; i < listeners; i++) {
    setTimeout(() => (kind === "hls" ? void followHls(url) : followEndless(url)), (i * ARRIVE_MS) / listeners);
  }
}

if (process.argv[1] === ENTRY && process.send) {
  process.once("disconnect", () => process.exit());
  process.on("message", (message: PullOrder | "report") => {
    if (message !== "report") return follow(message);
    process.send?.(counts);
    counts = { bytes: 0, requests: 0, parts: 0, faults: 0, words: [] };
  });
}
