// This page's seat: keeps one connection to the stage and reconnects until the seat is left.

import { type Clock, sleep, type Timer } from "@hustings/flow/clock.ts";
import { type RetryPolicy, retryDelayMs } from "@hustings/flow/retry.ts";
import { type ErrorCode, Refusal } from "@hustings/wire/errors.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import type { StageMessage } from "@hustings/wire/stage/data-channel.ts";
import { PendingCommands } from "../pending-commands.ts";
import { closeConnection, openConnection, type StageConnection } from "./stage-connection.ts";

/** `connecting`: the first connection only. `over` is final. */
export type SeatPhase =
  | { readonly kind: "connecting" }
  | { readonly kind: "seated" }
  | { readonly kind: "reconnecting"; readonly sinceMs: number }
  | { readonly kind: "over"; readonly why: "left" | "removed" | "ended" | "replaced" | ErrorCode };

export interface SeatOptions {
  /** WHIP addresses, in the order of tries. */
  readonly whipUrls: readonly string[];
  /** Runs `action` with a ticket, and again with a new one when the stage refuses the first. */
  readonly withTicket: <Result>(action: (ticket: string) => Promise<Result>) => Promise<Result>;
  readonly microphone: MediaStream;
  readonly clock: Clock;
  readonly onPhase: (phase: SeatPhase) => void;
  readonly onDown: (message: StageMessage) => void;
  /** A new stream for each connection. */
  readonly onSound: (sound: MediaStream) => void;
}

export interface StageSeat {
  /** The id of this page's call at the stage; undefined while the page has no call. */
  readonly callId: string | undefined;
  /** Resolves with `seq` once on disk. Throws the stage's Refusal; `stage-away` while reconnecting. */
  command(command: Command): Promise<number>;
  reconnect(): void;
  replaceMicrophone(microphone: MediaStream): Promise<void>;
  /** The stage keeps the seat for a while unless `leave` came first. */
  close(): void;
}

const RECONNECT_RETRY: RetryPolicy = { firstMs: 250, capMs: 4_000, tries: Infinity };
/** The stage sends levels five times a second. */
const SILENCE_MS = 1_500;
const COMMAND_DEADLINE_MS = 5_000;
const FINAL_ERRORS: ReadonlySet<ErrorCode> = new Set([
  "no-space",
  "ended",
  "not-invited",
  "removed",
  "ticket-invalid",
  "ticket-revoked",
  "wrong-space",
  "name-taken",
  "stage-full",
  "bad-sdp",
]);

export function takeSeat(options: SeatOptions): StageSeat {
  const seat = new BrowserSeat(options);
  void seat.keep();
  return seat;
}

class BrowserSeat implements StageSeat {
  readonly #options: SeatOptions;
  readonly #commands = new PendingCommands();
  readonly #stopped = new AbortController();
  #microphone: MediaStream;
  #connection: StageConnection | undefined;
  #watchdog: Timer | undefined;
  #lost = Promise.withResolvers<void>();
  #urlIndex = 0;
  #iceServers: readonly RTCIceServer[] = [];

  constructor(options: SeatOptions) {
    this.#options = options;
    this.#microphone = options.microphone;
  }

  async keep(): Promise<void> {
    const { clock, onPhase } = this.#options;
    const { signal } = this.#stopped;
    onPhase({ kind: "connecting" });
    for (let attempt = 0; !signal.aborted; attempt++) {
      const wasSeated = await this.#sit(attempt);
      if (signal.aborted) return;
      if (wasSeated) {
        attempt = -1;
        onPhase({ kind: "reconnecting", sinceMs: clock.monotonicMs() });
      } else {
        const delayMs = retryDelayMs(RECONNECT_RETRY, attempt, Math.random) as number;
        await sleep(clock, delayMs, signal).catch(() => {});
      }
    }
  }

  get callId(): string | undefined {
    return this.#connection?.callId;
  }

  command(command: Command): Promise<number> {
    const channel = this.#connection?.channel;
    if (channel?.readyState !== "open")
      return Promise.reject(new Refusal("stage-away", "The stage is out of reach just now; reconnecting."));
    const { id, text, seq } = this.#commands.add(command);
    this.#options.clock.after(COMMAND_DEADLINE_MS, () => this.#commands.reject(id, new Refusal("stage-away")));
    channel.send(text);
    return seq;
  }

  reconnect(): void {
    this.#lost.resolve();
  }

  async replaceMicrophone(microphone: MediaStream): Promise<void> {
    this.#microphone = microphone;
    const track = microphone.getAudioTracks()[0] ?? null;
    const senders = this.#connection?.peer.getSenders() ?? [];
    await Promise.all(senders.map((sender) => sender.replaceTrack(track)));
  }

  close(): void {
    this.#stopped.abort();
    this.#drop();
  }

  async #sit(attempt: number): Promise<boolean> {
    this.#lost = Promise.withResolvers();
    try {
      const urlIndex = (this.#urlIndex + attempt) % this.#options.whipUrls.length;
      const connection = await this.#open(this.#options.whipUrls[urlIndex] as string);
      if (this.#stopped.signal.aborted) {
        closeConnection(connection);
        return false;
      }
      this.#connection = connection;
      this.#urlIndex = urlIndex;
      this.#options.onPhase({ kind: "seated" });
      await this.#lost.promise;
      this.#drop();
      return true;
    } catch (error) {
      if (error instanceof Refusal && FINAL_ERRORS.has(error.code)) this.#end(error.code);
      return false;
    }
  }

  async #open(whipUrl: string): Promise<StageConnection> {
    const { clock, onSound, withTicket } = this.#options;
    return withTicket((ticket) =>
      openConnection({
        ...{ whipUrl, clock, onSound, ticket },
        microphone: this.#microphone,
        iceServers: this.#iceServers,
        onMessage: (message) => this.#onMessage(message),
        onLost: this.#lost.resolve,
        onIceServers: (iceServers) => {
          this.#iceServers = iceServers;
        },
      }),
    );
  }

  #onMessage(message: StageMessage): void {
    const { clock, onDown } = this.#options;
    this.#watchdog?.cancel();
    this.#watchdog = clock.after(SILENCE_MS, () => this.#lost.resolve());
    this.#commands.onMessage(message);
    onDown(message);
    if (message.kind === "bye") this.#end(message.why);
  }

  #end(why: (SeatPhase & { kind: "over" })["why"]): void {
    if (this.#stopped.signal.aborted) return;
    this.#stopped.abort();
    this.#drop();
    this.#options.onPhase({ kind: "over", why });
  }

  #drop(): void {
    this.#watchdog?.cancel();
    this.#connection?.channel.close();
    this.#connection?.peer.close();
    this.#connection = undefined;
    this.#commands.rejectAll(new Refusal("stage-away"));
  }
}
