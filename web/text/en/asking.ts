// English texts of a listener who asks to speak. Loaded after the tap on "Listen".

export const asking = {
  invited: "You are invited to speak.",
  invitedMuted: "Your microphone opens muted: nobody hears you until you unmute.",
  accept: "Accept",
  check: "Check the microphone first",
  decline: "Decline",
  yourName: "Your name",
  ask: "Ask to speak",
  notNow: "Not now",
  handIsUp: "Your hand is up. The host sees it and may invite you.",
  lowerHand: "Lower your hand",
  handsClosed: "The host is not taking hands right now.",
};
