// Keeps one microphone open for a page: opens it, switches to another one, and opens a new one when it ends.

import type { Clock, Timer } from "@hustings/flow/clock.ts";
import {
  isMicrophoneAllowed,
  type Microphone,
  type MicrophoneCondition,
  type MicrophoneProblem,
  NoMicrophone,
  openMicrophone,
} from "./microphone.ts";

export interface KeeperOptions {
  readonly clock: Clock;
  /** Makes a new microphone the one that is sent, before the old one is closed. */
  readonly onOpened: (microphone: Microphone) => Promise<void>;
  readonly onChange: () => void;
  readonly open?: typeof openMicrophone;
  /** Whether `open` would not ask the person. A microphone that ended is never replaced by asking. */
  readonly isAllowed?: () => Promise<boolean>;
}

const MEND_EVERY_MS = 3_000;

export class MicrophoneKeeper {
  microphone: Microphone | undefined;
  /** Why the last attempt to open one failed; `undefined` when it succeeded. */
  problem: MicrophoneProblem | undefined;
  readonly #options: KeeperOptions;
  /** Attempts run one after the other, so that no microphone is left open unnoticed. */
  #opening: Promise<unknown> = Promise.resolve();
  #isMending = false;
  #mending: Timer | undefined;
  /** An attempt that began before the last `close` opens nothing. */
  #closings = 0;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** `ended` after the microphone has ended, until a new one is open; `working` before the first is opened. */
  get condition(): MicrophoneCondition {
    return this.microphone?.condition ?? "working";
  }

  /** Opens a microphone, or switches to another one. Sets `problem` when it resolves with false. */
  use(deviceId?: string): Promise<boolean> {
    const closings = this.#closings;
    const attempt = this.#opening.then(() => closings === this.#closings && this.#open(deviceId));
    this.#opening = attempt;
    return attempt;
  }

  /** Replaces a microphone that ended, now and every few seconds until it succeeds. Call when devices change. */
  mend(): void {
    if (this.condition !== "ended" || this.#isMending) return;
    this.#isMending = true;
    this.#mending?.cancel();
    void this.#mend().finally(() => {
      this.#isMending = false;
      if (this.condition === "ended") this.#mending = this.#options.clock.after(MEND_EVERY_MS, () => this.mend());
    });
  }

  close(): void {
    this.#closings += 1;
    this.#mending?.cancel();
    this.microphone?.[Symbol.dispose]();
    this.microphone = undefined;
    this.#options.onChange();
  }

  async #mend(): Promise<void> {
    const { isAllowed = isMicrophoneAllowed, onChange } = this.#options;
    if (await isAllowed()) {
      if (this.condition === "ended") await this.use();
    } else if (this.condition === "ended") {
      this.problem = "refused";
      onChange();
    }
  }

  async #open(deviceId: string | undefined): Promise<boolean> {
    const { open = openMicrophone, onOpened, onChange } = this.#options;
    const closings = this.#closings;
    try {
      const microphone = await open(deviceId, () => this.#onCondition(microphone));
      const isWanted = closings === this.#closings;
      if (isWanted) await onOpened(microphone);
      if (closings !== this.#closings) {
        microphone[Symbol.dispose]();
        return false;
      }
      this.microphone?.[Symbol.dispose]();
      this.microphone = microphone;
      this.problem = undefined;
    } catch (error) {
      this.problem = error instanceof NoMicrophone ? error.problem : "unsupported";
    }
    onChange();
    if (this.condition === "ended") this.mend();
    return this.problem === undefined;
  }

  #onCondition(microphone: Microphone): void {
    if (microphone !== this.microphone) return;
    this.#options.onChange();
    this.mend();
  }
}
