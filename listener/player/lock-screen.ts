// The lock screen of phones and media keys (Media Session API).

export interface LockScreen {
  show(title: string, speaker: string, isPlaying: boolean): void;
  /** Binds the keys again, because browsers forget them while a page sleeps. */
  bind(): void;
  close(): void;
}

/** Play and pause only: live sound cannot seek. Does nothing without MediaSession. */
export function createLockScreen(play: () => void, pause: () => void): LockScreen {
  const session: MediaSession | undefined = "mediaSession" in navigator ? navigator.mediaSession : undefined;
  const keys = [
    ["play", play],
    ["pause", pause],
    ["stop", pause],
  ] as const;
  let shown = "";
  return {
    show(title, speaker, isPlaying) {
      if (!session) return;
      session.playbackState = isPlaying ? "playing" : "paused";
      const now = `${title}\n${speaker}`;
      if (now === shown) return;
      shown = now;
      session.metadata = new MediaMetadata({ title, artist: speaker, album: "Hustings" });
    },
    bind() {
      for (const [key, run] of keys) session?.setActionHandler(key, run);
    },
    close() {
      for (const [key] of keys) session?.setActionHandler(key, null);
      if (session) {
        session.metadata = null;
        session.playbackState = "none";
      }
    },
  };
}
