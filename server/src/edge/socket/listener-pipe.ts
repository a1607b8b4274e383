/** The connection to one listener. Nothing is called after `close` or `terminate`. */
export interface ListenerPipe {
  /** A whole WebSocket frame, shared by listeners. Calls `flushed` once it has left this process. */
  write(frame: Buffer, flushed?: () => void): void;
  /** Bytes that were written and have not left this process. */
  readonly unsentBytes: number;
  /** Collects writes until `release`, then writes once. Holds nest. */
  hold(): void;
  release(): void;
  /** Cuts `reason` to fit a close frame. */
  close(code: number, reason: string): void;
  terminate(): void;
}
