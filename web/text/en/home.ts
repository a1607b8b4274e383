// English texts of the home page.

import { isolate } from "../isolate.ts";
import { lengthPhrase } from "./length.ts";

const names = new Intl.ListFormat("en");
const days = new Intl.DateTimeFormat("en", { dateStyle: "long" });
const MAX_NAMED = 3;

function nameList(all: readonly string[]): string {
  const named = all.slice(0, all.length > MAX_NAMED ? MAX_NAMED - 1 : MAX_NAMED).map(isolate);
  const others = all.length - named.length;
  return names.format(others > 0 ? [...named, `${others} others`] : named);
}

export const home = {
  heading: "Someone has something to say.",
  introduction: "Open a space, send the link, speak. Anyone with the link hears you, no account needed.",
  live: "Live now",
  onStage: (speakers: number) => `${speakers} on the stage`,
  nobodyLive: "No space is live right now. You could open one.",
  loading: "Looking for live spaces.",
  unreachable: "The server does not answer. This page keeps trying.",
  openingClosed: "On this server, the people who run it open the spaces.",
  start: "Start a space",
  title: "Title",
  titleHint: "What is it about?",
  yourName: "Your name",
  nameHint: "Listeners see this name",
  noMicrophone: {
    insecure:
      "This page was not opened over HTTPS, so nobody could speak in a space that you start here. Open it over HTTPS, or as localhost on the computer that runs the server.",
    unsupported:
      "This browser cannot send sound, so you could not speak in a space that you start here. Open this page in a newer Chrome, Firefox, Edge or Safari.",
  },
  hostAway: (host: string) => (host === "" ? "The host is away" : `${isolate(host)}, the host, is away`),
  atMicrophone: (speaking: readonly string[]) => `${nameList(speaking)} at the microphone`,
  past: {
    heading: "Hear it again",
    with: (speakers: readonly string[]) => `with ${nameList(speakers)}`,
    date: (utcMs: number) => days.format(utcMs),
    length: lengthPhrase,
    more: "Show more",
  },
  create: "Create",
  notNow: "Not now",
};
