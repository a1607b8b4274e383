// The lock screen of phones and media keys (Media Session API). Loaded with the first tap.

const ARTWORK: MediaImage[] = [192, 512].map((size) => ({
  src: `/icon-${size}.png`,
  sizes: `${size}x${size}`,
  type: "image/png",
}));

export interface LockScreen {
  show(title: string, speakers: readonly string[], playback: MediaSessionPlaybackState): void;
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
  // Browsers forget the keys while a page sleeps.
  const bind = (): void => {
    for (const [key, run] of keys) session?.setActionHandler(key, run);
  };
  document.addEventListener("visibilitychange", bind);
  bind();
  return {
    show(title, speakers, playback) {
      if (!session) return;
      session.playbackState = playback;
      const artist = speakers.join(", ");
      const now = `${title}\n${artist}`;
      if (now === shown) return;
      shown = now;
      session.metadata = new MediaMetadata({ title, artist, album: "Hustings", artwork: ARTWORK });
    },
    close() {
      document.removeEventListener("visibilitychange", bind);
      for (const [key] of keys) session?.setActionHandler(key, null);
      if (session) {
        session.metadata = null;
        session.playbackState = "none";
      }
    },
  };
}
