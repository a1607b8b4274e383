// Opens a MediaSource and appends to it. A real append proves which kind and spelling of the codec a browser accepts.
// iPhones have only ManagedMediaSource, which needs a second source for casting.

export interface OpenSource {
  readonly kind: string;
  /** Appends in order. Never throws; failures are reported by `onFault`. */
  append(bytes: Uint8Array<ArrayBuffer>): void;
  evictBefore(seconds: number): void;
  close(): void;
}

export interface SourceOptions {
  readonly element: HTMLAudioElement;
  /** The same sound as HLS, for casting. */
  readonly hlsUrl: string | undefined;
  /** An init segment and filler. */
  readonly proof: readonly Uint8Array<ArrayBuffer>[];
  readonly onBuffered: () => void;
  /** A source that had worked broke; open another. */
  readonly onFault: () => void;
}

type SourceConstructor = typeof MediaSource;

const CODECS = ["opus", "Opus"] as const;
const PROOF_MS = 3_000;
/** The source is broken if more waits. */
const MAX_QUEUED_BYTES = 4 * 1024 * 1024;
const KEEP_WHEN_FULL_SECONDS = 5;

/** The first of at most four that accepts `proof`. */
export async function openSource(options: SourceOptions): Promise<OpenSource | undefined> {
  for (const { Source, kind } of sourceKinds()) {
    for (const codec of CODECS) {
      const type = `audio/mp4; codecs="${codec}"`;
      if (!Source.isTypeSupported(type)) continue;
      const opened = await attempt(Source, `${kind} ${codec}`, type, options);
      if (opened) return opened;
    }
  }
  return undefined;
}

function sourceKinds(): { readonly Source: SourceConstructor; readonly kind: string }[] {
  const scope = globalThis as unknown as Record<string, SourceConstructor | undefined>;
  return ["ManagedMediaSource", "MediaSource"].flatMap((kind) => {
    const Source = scope[kind];
    return Source ? [{ Source, kind }] : [];
  });
}

async function attempt(
  Source: SourceConstructor,
  kind: string,
  type: string,
  options: SourceOptions,
): Promise<OpenSource | undefined> {
  const { element, hlsUrl, proof } = options;
  const source = new Source();
  const address = URL.createObjectURL(source);
  element.disableRemotePlayback = kind.startsWith("Managed") && hlsUrl === undefined;
  element.replaceChildren(sourceChild(address, type.replace(/;.*/, "")));
  if (hlsUrl !== undefined) element.append(sourceChild(hlsUrl, "application/vnd.apple.mpegurl"));
  element.load();
  try {
    await within(PROOF_MS, event(source, "sourceopen"));
    const feed = new BufferFeed(source, source.addSourceBuffer(type), options);
    for (const bytes of proof) feed.append(bytes);
    await within(PROOF_MS, feed.settled());
    return {
      kind,
      append: (bytes) => feed.append(bytes),
      evictBefore: (at) => feed.evictBefore(at),
      close: () => feed.close(),
    };
  } catch {
    return undefined;
  } finally {
    URL.revokeObjectURL(address);
  }
}

class BufferFeed {
  readonly #source: MediaSource;
  readonly #buffer: SourceBuffer;
  readonly #options: SourceOptions;
  #queue: Uint8Array<ArrayBuffer>[] = [];
  #queuedBytes = 0;
  #evictTo = 0;
  #isBroken = false;
  #settle: { readonly resolve: () => void; readonly reject: (cause: Error) => void } | undefined;

  constructor(source: MediaSource, buffer: SourceBuffer, options: SourceOptions) {
    this.#source = source;
    this.#buffer = buffer;
    this.#options = options;
    buffer.mode = "segments";
    buffer.addEventListener("updateend", () => {
      this.#next();
      if (!this.#isBroken) options.onBuffered();
    });
    buffer.addEventListener("error", () => this.#break());
    options.element.addEventListener("error", () => this.#break());
  }

  append(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#isBroken) return;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    if (this.#queuedBytes > MAX_QUEUED_BYTES) this.#break();
    else this.#next();
  }

  evictBefore(seconds: number): void {
    this.#evictTo = seconds;
    this.#next();
  }

  settled(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#next();
    });
  }

  close(): void {
    this.#isBroken = true;
    this.#queue = [];
  }

  #next(): void {
    if (this.#isBroken || this.#buffer.updating) return;
    if (this.#source.readyState !== "open") {
      this.#break();
      return;
    }
    if (this.#evict()) return;
    if (this.#queue.length > 0) this.#appendQueued();
    else this.#settle?.resolve();
  }

  #evict(): boolean {
    const { buffered } = this.#buffer;
    const to = this.#evictTo;
    this.#evictTo = 0;
    if (to <= 0 || buffered.length === 0 || buffered.start(0) >= to) return false;
    this.#buffer.remove(0, to);
    return true;
  }

  #appendQueued(): void {
    const bytes = joined(this.#queue, this.#queuedBytes);
    try {
      this.#buffer.appendBuffer(bytes);
      this.#queue = [];
      this.#queuedBytes = 0;
    } catch (error) {
      const to = this.#options.element.currentTime - KEEP_WHEN_FULL_SECONDS;
      const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
      this.#evictTo = to;
      if (!isFull || !this.#evict()) this.#break();
    }
  }

  #break(): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    if (this.#settle) this.#settle.reject(new Error("The source broke."));
    this.#options.onFault();
  }
}

function sourceChild(address: string, type: string): HTMLSourceElement {
  const child = document.createElement("source");
  child.src = address;
  child.type = type;
  return child;
}

function joined(parts: readonly Uint8Array<ArrayBuffer>[], totalBytes: number): Uint8Array<ArrayBuffer> {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  const bytes = new Uint8Array(totalBytes);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function event(target: EventTarget, type: string): Promise<void> {
  return new Promise((resolve) => target.addEventListener(type, () => resolve(), { once: true }));
}

function within<T>(limitMs: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`No event within ${limitMs} ms.`)), limitMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
