// English texts that a listener needs after the tap on "Listen", or seldom. Loaded while the sound starts, or when needed.

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
    "stage-back": "The stage dropped out and is coming back. Music until it does.",
    "full-house": ({ queued, wait }: MessageValues) =>
      `Full house: ${count(queued)} in line${after(wait)}. Press Listen to join the line.`,
    "full-house-no-queue": "Full house. Press Listen to be next in line.",
    "ended-empty": "The space ended because nobody was on its stage any more. Thank you for listening.",
    "ended-operator": "The people who run this server ended the space.",
    "ended-unheard": "The space ended before it went live. There is nothing to hear.",
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
