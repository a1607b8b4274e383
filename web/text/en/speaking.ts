// English texts of speakers and hosts.

import { isolate } from "../isolate.ts";

/** The measurements of listeners, in phrases of `times`. `behind`: half of them; absent: nobody has measured it. */
export interface HostLineValues {
  readonly listeners: number;
  readonly behind: string | undefined;
  /** One listener in twenty; absent: not much more than the others. */
  readonly slowest: string | undefined;
  /** The sound should be stored and is not. */
  readonly isUnrecorded: boolean;
}

/** The state is the host's own; the details are about listeners. */
export interface HostLineText {
  readonly state: string;
  readonly details: string;
}

type HostLineOf = (values: HostLineValues) => HostLineText;

const numbers = new Intl.NumberFormat("en");

const people = (listeners: number): string => `${numbers.format(listeners)} ${listeners === 1 ? "person" : "people"}`;

const plural = (count: number, unit: string): string => `${numbers.format(count)} ${unit}${count === 1 ? "" : "s"}`;

/** "40 seconds", "4 minutes", "3 hours". */
function lengthOf(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 90) return plural(seconds, "second");
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? plural(minutes, "minute") : plural(Math.round(minutes / 60), "hour");
}

const trouble =
  (state: string, details = ""): HostLineOf =>
  () => ({ state, details });

const withListeners =
  (state: string, some: (values: HostLineValues) => readonly (string | undefined)[]): HostLineOf =>
  (values) => {
    const heard = values.listeners <= 0 ? ["Nobody is listening right now"] : some(values);
    const parts = [...heard, values.isUnrecorded ? "not recorded: the storage is full" : undefined];
    return { state, details: `${parts.filter((part) => part !== undefined).join(" · ")}.` };
  };

const lag = ({ behind, slowest }: HostLineValues): string | undefined =>
  slowest === undefined ? behind : `${behind}, some ${slowest}`;

const allow = {
  chrome: "Tap the symbol left of the address, open Permissions, allow the microphone, then try again.",
  "safari-phone": "Tap the symbol left of the address, open Website Settings, set Microphone to Allow, then try again.",
  safari: "Open Safari, Settings for this website, set Microphone to Allow, then try again.",
  firefox: "Click the microphone symbol left of the address, remove the block, then try again.",
  other: "Allow the microphone for this page in the browser's site settings, then try again.",
};

export const speaking = {
  seat: {
    "off-stage": "You are not on the stage.",
    "seat-kept": "You still have your seat.",
    connecting: "Taking your seat.",
    reconnecting: "Your connection dropped. You are still on the stage; reconnecting.",
    "microphone-ended": "Your microphone is gone: no one hears you.",
    "microphone-interrupted": "Your device has silenced the microphone: no one hears you.",
    "muted-by-host": "The host muted you: no one hears you.",
    muted: "Muted: no one hears you.",
    "not-live": "No one can hear you yet.",
    "not-live-unmuted": "Only the others on the stage can hear you.",
    "on-air": "You are on air.",
    left: "You left the stage.",
    replaced: "You are speaking from another tab or device now.",
    elsewhere: "You are on the stage from another tab or device.",
  },
  wereAway: (awayMs: number) => `You were away for ${lengthOf(awayMs)}. You are muted.`,
  spaceGoesOn: "Your space goes on without you.",
  backToStage: "Back to the stage",
  speakFromHere: "Speak from here",
  hearOthers: "Hear the others",
  goLive: "Go live",
  leaveStage: "Leave the stage",
  mute: "Mute",
  unmute: "Unmute",
  greenRoom: "Green room",
  yourSound: "Your sound",
  greenRoomHelp: "Listeners cannot hear you yet. People on the stage hear each other.",
  greenRoomHostHelp: 'Listeners hear you once you tap "Go live".',
  listenersHear: {
    heading: "What listeners will hear",
    now: "Now: music, for people who come early.",
    live: "Once you are live: everyone on the stage whose microphone is open. Music while nobody speaks.",
    recorded: "It is recorded, and can be heard again at the same link.",
  },
  setUpMicrophone: "Set up my microphone",
  microphone: "Microphone",
  microphoneNumber: (number: number) => `Microphone ${number}`,
  level: {
    none: "Say a few words: the bar should move.",
    "too-quiet": "Too quiet: come nearer, or turn it up.",
    good: "Good: people will understand you.",
    "too-loud": "Too loud: move back, or turn it down.",
  },
  check: {
    hearYourself: "Hear yourself",
    recording: "Recording: say a few words",
    playing: "Playing what you said",
    playbackFailed: "This browser could not play it. Use another one to hear yourself.",
    output: "Where you hear others",
    outputNumber: (number: number) => `Loudspeaker ${number}`,
    askOutput: "Choose where you hear others",
    echo: "Check for echo",
    listening: "Listening: be quiet for five seconds",
    echoHelp: "You will hear some chirps. The check finds out whether they come back through your microphone.",
    muteFirst: "Mute yourself to use these checks: the others would hear them.",
    results: {
      clear: "No echo: if you heard the chirps, others will not hear themselves through you.",
      faint: "A faint echo: in silence others may hear themselves. Headphones end it; turning the volume down helps.",
      echo: "Others would hear themselves through your microphone. Use headphones, or turn the volume down.",
      noisy: "It was too loud around you to tell. Try again in silence. Headphones never echo.",
      "no-sound": "Your microphone brought no sound at all, so the check cannot tell. Is it switched off?",
      failed: "This browser could not do the check. Headphones never echo.",
    },
  },
  microphoneProblems: {
    insecure: "This page has no microphone because it was not opened over HTTPS. Listening still works.",
    unsupported: "This browser cannot send sound. Open this link in a newer Chrome, Firefox, Edge or Safari.",
    missing: "No microphone was found. Connect one, or choose it in the device's settings, then try again.",
    busy: "Another program is using the microphone. Close it there, then try again.",
  },
  microphoneRefused: (browser: keyof typeof allow) =>
    `The browser blocks the microphone on this page. ${allow[browser]}`,
  hostLine: {
    connecting: trouble("Taking your seat."),
    reconnecting: trouble("Your connection dropped.", "You are still on the stage; reconnecting."),
    unreachable: trouble("The server does not answer this page.", "Listeners may hear nothing."),
    "microphone-ended": trouble("Your microphone is gone: no one hears you."),
    "microphone-interrupted": trouble("Your device has silenced the microphone: no one hears you."),
    "silent-microphone": trouble("Your microphone is silent: no one hears you."),
    muted: withListeners("Muted: no one hears you.", (values) => [
      `${people(values.listeners)} ${values.listeners === 1 ? "listens" : "listen"} to the stage`,
      lag(values),
    ]),
    "muted-on-hold": withListeners("Muted: no one hears you.", ({ listeners }) => [
      `${people(listeners)} ${listeners === 1 ? "hears" : "hear"} music, because nobody is speaking`,
    ]),
    silence: withListeners("Your microphone is open.", ({ listeners }) => [
      `${people(listeners)} ${listeners === 1 ? "hears" : "hear"} music until you speak`,
    ]),
    "on-air": withListeners("You are on air.", (values) => [
      `${numbers.format(values.listeners)} ${values.listeners === 1 ? "hears" : "hear"} you`,
      lag(values),
      values.isUnrecorded || values.slowest !== undefined ? undefined : "all well",
    ]),
  } satisfies Readonly<Record<string, HostLineOf>>,
  checkAgain: "Check again",
  chooseMicrophone: "Choose a microphone",
  hands: {
    up: (hands: number) => `${numbers.format(hands)} ${hands === 1 ? "hand is" : "hands are"} up`,
    invited: "Invited",
    invite: "Invite to speak",
    lower: (name: string) => `Lower the hand of ${isolate(name)}`,
    showMore: (more: number) => `Show ${numbers.format(more)} more`,
    showFirst: "Show only the first",
    noAnswer: "invited, no answer yet",
    withdraw: (name: string) => `Withdraw the invitation of ${isolate(name)}`,
    closed: "Hands are closed",
    close: "Take no more hands",
    open: "Take hands again",
    removedHeading: "Removed",
    removed: "removed from the stage",
    inviteBack: (name: string) => `Invite ${isolate(name)} back`,
  },
  links: {
    heading: "Bring people in",
    copy: "Copy the link",
    copied: "Link copied.",
    share: "Share",
    hostLink: "Host link",
    saveHostLink: "Save it before you go live: it is the way back to your space from another browser.",
    hostLinkHelp:
      "Anyone who opens the host link is a host: you on another device, or somebody who runs this space with you. Keep it secret.",
    remembered: "This browser remembers it.",
    notRemembered:
      "This browser does not remember it, because it blocks or has no room for site data. Copy the host link before you close this page.",
    opensOnlyHere:
      "This link opens only on this computer. Others need the address that the server has for them: start it with --public-url.",
    opensOnNetwork: "This link opens for people on your network.",
    listeningOnly: "They can listen there; to speak, they need an address with HTTPS.",
    chooseAddress: "Address on your network",
    copyHostLink: "Copy the host link",
    hostLinkCopied: "Host link copied.",
    copyByHand: "Copy it by hand",
    replace: "Replace it",
    replaceNow: "Replace it now",
    replaceHelp: "The old host link stops working. Everyone else who used it stops being a host.",
    replaced: "There is a new host link. The old one no longer works.",
  },
  manage: {
    isMuted: (name: string) => `${isolate(name)} is muted. Only they can unmute themselves.`,
    mute: (name: string) => `Mute ${isolate(name)} for everyone`,
    remove: (name: string) => `Remove ${isolate(name)} from the stage`,
    cancel: "Cancel",
  },
  end: {
    open: "End space",
    heading: "End it for everyone?",
    final: "The space cannot be opened again.",
    recorded: "The recording stays at the same link.",
    confirm: "End for everyone",
    cancel: "Keep going",
  },
};
