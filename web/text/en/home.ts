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
  noMicrophone: {
    insecure:
      "This page was not opened over HTTPS, so nobody could speak in a space that you start here. Open it over HTTPS, or as localhost on the computer that runs the server.",
    unsupported:
      "This browser cannot send sound, so you could not speak in a space that you start here. Open this page in a newer Chrome, Firefox, Edge or Safari.",
  },
  hostAway: "The host is away",
  create: "Create",
  notNow: "Not now",
};
