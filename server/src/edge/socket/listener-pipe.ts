/** The connection to one listener. Nothing is called after `close` or `terminate`. */
export interface ListenerPipe {
  /** A whole WebSocket frame, shared by listeners. Calls `flushed` once it has left this process. */
  write(frame: Buffer, flushed?: () => void): void;
  /** Written, but not out of this process. */
  readonly unsentBytes: number;
  /** Until `release`, then one write. Holds nest. */
  hold(): void;
  release(): void;
  /** Cuts `reason` to fit a close frame. */
  close(code: number, reason: string): void;
  terminate(): void;
}
