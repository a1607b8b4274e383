// English texts of the home page.

export const home = {
  heading: "Someone has something to say.",
  introduction: "Open a space, send the link, speak. Anyone with the link hears you, no account needed.",
  live: "Live now",
  onStage: (speakers: number) => `${speakers} on the stage`,
  nobodyLive: "Nobody is live right now. You could be.",
  loading: "Looking for live spaces.",
  unreachable: "The server does not answer. This page keeps trying.",
  openingClosed: "On this server, the people who run it open the spaces.",
  start: "Start a space",
  title: "Title",
  titleHint: "What is it about?",
  yourName: "Your name",
  nameHint: "Listeners see this name",
  create: "Create",
  notNow: "Not now",
};
