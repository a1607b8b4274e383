// The sentences for people about each error. Those in wire/errors.ts are for programs.

import type { ErrorCode } from "@hustings/wire/errors.ts";
import { MAX_NAME_CHARACTERS, MAX_TITLE_CHARACTERS } from "@hustings/wire/text.ts";

const RELOAD = "Reload the page, then try again.";
const SOON = "Try again in a moment.";

export const errors: Readonly<Record<ErrorCode, string>> = {
  "bad-request": `The server did not understand this page. ${RELOAD}`,
  "bad-json": `The server did not understand this page. ${RELOAD}`,
  "bad-sdp": "The stage cannot use the sound of this browser. Try a newer Chrome, Firefox or Safari.",
  "bad-cursor": "This page lost its place in the sound. Reload it to listen.",
  "bad-frame": `The server did not understand this page. ${RELOAD}`,
  "bad-name": `This name is empty, too long, or has characters that cannot be shown. Use 1 to ${MAX_NAME_CHARACTERS} plain characters.`,
  "bad-title": `This title is empty, too long, or has characters that cannot be shown. Use 1 to ${MAX_TITLE_CHARACTERS} plain characters.`,
  "no-ticket": "The server does not know you yet. Ask to speak under a name, or open your host link.",
  "ticket-invalid": "This host link does not belong to this space. Ask for the newest one.",
  "ticket-expired": `The server no longer knows you. ${RELOAD}`,
  "ticket-revoked":
    "The host link does not work: it was replaced, or a part of it is missing. You can listen. Ask for the newest one.",
  "wrong-space": "This link belongs to another space. Check the link.",
  "host-only": "Only the host can do this. Ask the host.",
  "self-only": "Only the speaker can do this. Ask them to unmute themselves.",
  "not-invited": "There is no seat for you on the stage. Ask to speak, and wait for an invitation.",
  "not-seated": "You are not on the stage. Take a seat first.",
  removed: "The host took you off the stage. You can go on listening, and ask the host to invite you again.",
  "no-space": "There is no space at this address. Check the link.",
  "no-page": "There is nothing at this address. Start from the home page.",
  "no-person": "This person is no longer there. The page shows everybody who is.",
  "no-object": "This part of the sound is no longer there. Reload the page to listen.",
  "no-recording": "Nothing has been recorded here yet. Come back after the space has been live.",
  "not-allowed": `The server does not allow this. ${RELOAD}`,
  ended: "The space has ended. If it was recorded, the recording is at the same link.",
  gone: "You were away too long to continue from there. Reload the page to hear what is being said now.",
  conflict: "The space has changed, so this is not possible now. Look at the page, then try again.",
  "hands-closed": "The host is not taking hands right now. Listen on, and ask again later.",
  "name-taken": "Somebody on the stage has this name, or one that looks the same. Choose another name.",
  "stage-full": "Every seat on the stage is taken. Wait until somebody leaves it.",
  "stage-busy": "This server carries as many voices as it can right now. Try again in some minutes.",
  "too-large": "This is longer than the server allows. Make it shorter, then try again.",
  "bad-offer-type": `The stage did not understand this page. ${RELOAD}`,
  "too-many-hands": "Too many hands go up right now, so yours was not raised. Wait a moment, then ask again.",
  "too-many": "Too many requests came from you or your network. Wait a minute, then try again.",
  "address-full": "Too many people are listening from your network. Try again later, or use another network.",
  "too-slow": `Your connection could not keep up. ${SOON}`,
  internal: "The server failed to do this. Try again in a moment, or tell the people who run this server.",
  "stage-away": `The server does not answer. ${SOON}`,
  "not-yet": `The sound is not here yet. ${SOON}`,
  "cannot-store": `The server cannot save this right now, so it did not do it. The sound goes on. ${SOON}`,
  "api-away": "Starting spaces and asking to speak do not work right now. Try again in a minute.",
  draining: `This server is restarting. ${SOON}`,
  full: `Every place is taken. ${SOON}`,
  "place-elsewhere": "A place is free at another part of this server. Try again.",
  "opening-closed": "Only the people who run this server open spaces here.",
  "too-many-spaces": "This server has no room for another space. Try again later, or ask the people who run it.",
};
