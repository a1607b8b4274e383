/** The connection to one listener. Nothing is called after `close` or `terminate`. */
export interface ListenerPipe {
  /** Takes a whole WebSocket frame, which other listeners share. `flushed` is called once it has left this process. */
  write(frame: Buffer, flushed?: () => void): void;
  /** Bytes written that have not left this process. */
  readonly unsentBytes: number;
  /** Collects writes until `release`, then writes them together: each write costs as much as the next. Holds nest. */
  hold(): void;
  release(): void;
  /** Cuts `reason` to what a close frame holds. */
  close(code: number, reason: string): void;
  terminate(): void;
}
