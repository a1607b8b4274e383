// English texts of speakers and hosts.

import { isolate } from "../isolate.ts";

/** `behind` is a phrase of `times`; absent: the lag is not known. */
export interface HostStatusValues {
  readonly listeners: number;
  /** Without a full stop: "12,480 people are listening". */
  readonly audience: string;
  readonly behind: string | undefined;
}

const numbers = new Intl.NumberFormat("en");

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
    "muted-by-host": "The host muted you: no one hears you.",
    muted: "Muted: no one hears you.",
    "not-live": "No one can hear you yet.",
    "not-live-unmuted": "Only the others on the stage can hear you.",
    "on-air": "You are on air.",
    left: "You left the stage.",
    replaced: "You are speaking from another tab or device now.",
    elsewhere: "You are on the stage from another tab or device.",
  },
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
  greenRoomHostHelp:
    'Listeners cannot hear you yet. People on the stage hear each other. Listeners hear you once you tap "Go live".',
  setUpMicrophone: "Set up my microphone",
  microphone: "Microphone",
  microphoneNumber: (number: number) => `Microphone ${number}`,
  levelHelp: "Speak: the bar should move.",
  microphoneProblems: {
    insecure: "This page has no microphone because it was not opened over HTTPS. Listening still works.",
    unsupported: "This browser cannot send sound. Open this link in a newer Chrome, Firefox, Edge or Safari.",
    missing: "No microphone was found. Connect one, or choose it in the device's settings, then try again.",
    busy: "Another program is using the microphone. Close it there, then try again.",
  },
  microphoneRefused: (browser: keyof typeof allow) =>
    `The browser blocks the microphone on this page. ${allow[browser]}`,
  hostStatus: {
    well: ({ listeners, behind }: HostStatusValues) =>
      listeners <= 0
        ? "Nobody is listening right now · all well"
        : [`${numbers.format(listeners)} ${listeners === 1 ? "hears" : "hear"} you`, behind, "all well"]
            .filter((part) => part !== undefined)
            .join(" · "),
    reconnecting: "Your connection dropped. You are still on the stage; reconnecting.",
    unreachable: "The server does not answer this page, so listeners may hear nothing.",
    "silent-microphone": "Your microphone is silent.",
    hold: ({ audience }: HostStatusValues) => `Listeners hear music, because nobody is speaking. ${audience}.`,
    "not-recording": "You are heard but not recorded: the storage is full.",
  },
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
    hostLinkHelp:
      "Anyone who opens the host link is a host: you on another device, or somebody who runs this space with you. Keep it secret. This browser remembers it.",
    copyHostLink: "Copy the host link",
    hostLinkCopied: "Host link copied.",
    copyByHand: (url: string) => `The browser does not allow copying. Copy it by hand: ${url}`,
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
