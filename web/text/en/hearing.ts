// English texts of a listener after the tap on "Listen". Loaded while the sound starts, so that they weigh on no newcomer.

import { after, count, type MessageValues } from "./page.ts";

function ordinal(value: number): string {
  const [tens, ones] = [value % 100, value % 10];
  const ending = tens >= 11 && tens <= 13 ? "th" : (["th", "st", "nd", "rd"][ones] ?? "th");
  return `${count(value)}${ending}`;
}

export const hearing = {
  soundHelp:
    "Turn the volume up and the silent switch off. Check which loudspeaker or headset this device plays to, and that this tab is not muted. If it stays silent, stop listening and start again.",
  jumpToLive: "Jump to live",
  positionInQueue: (position: number) => `${ordinal(position)} in line`,
  listeners: (listeners: number) => `${count(listeners)} listening`,
  hearNothing: "Hear nothing?",
  messages: {
    "unreachable-listening": "The server does not answer. You hear the stage again when it does.",
    "next-in-queue": ({ wait }: MessageValues) =>
      `Full house: you are next in line${after(wait)}. Music until then; this page lets you in automatically.`,
    queued: ({ position, wait }: MessageValues) =>
      `Full house: you are ${ordinal(position)} in line${after(wait)}. Music until then; this page lets you in automatically.`,
    "stale-listening": "The server has lost contact with the stage. Music until it is back.",
    "before-listening": "Not started yet. Music until it begins, then you hear the stage.",
    paused: "Paused. Press Listen to hear what is being said now.",
    "offline-listening": "You are offline. Listening continues when the network is back.",
    reconnecting: "The connection to the server dropped. Reconnecting.",
    refused: "The server closed this connection. Reload the page to listen.",
    "address-full": "Too many people are listening from your network. This page keeps trying.",
    waiting: "The sound is late. You will still hear all of it.",
    skipped: "You are back at what is said now.",
    "far-behind": ({ behind }: MessageValues) => `You are ${behind}. Playback catches up gradually.`,
    "far-behind-pull": ({ behind }: MessageValues) => `You are ${behind}. No word is lost.`,
    "listening-pull": "You are listening, some seconds later than others.",
    "listening-pull-full":
      "You are listening, some seconds later than others: the faster places are taken. This page moves you up when one is free.",
  },
};
