// Checks the main path by its sound. Anna speaks from a page, with a fake microphone; Ben speaks as a peer in Node. A page
// and two headless listeners hear them, so that one Chromium with two pages is all that a small machine has to run.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { Page } from "playwright-core";
import { presence } from "../../media/measure/correlate.ts";
import { listenTo, openBrowser, voicePcm } from "../testing/browser/browser.ts";
import { inviteAsker, listen, openSpace } from "../testing/browser/page-actions.ts";
import { joined } from "../testing/decoded-sound.ts";
import { command, newGuest, startFakeSpeaker } from "../testing/fake-speaker.ts";
import { startListening } from "../testing/recording-listener.ts";
import { startServer } from "../testing/running-server.ts";
import { voice } from "../testing/voices.ts";

/** The longest voice once, and a little more. */
const HEAR_MS = 20_000;
/** A page on a busy machine drops some of the sound. Every second of a voice is played again in the next round. */
const ROUNDS_MAX = 6;
// In a mix with another voice, and through a browser's noise suppression, a voice scores two to three times what an
// absent voice scores; a page on a busy machine still scores more than one and a half times as much.
const PRESENT_RATIO = 1.4;

test("each listener hears both speakers, and each speaker hears the other and not themselves", async (t) => {
  // Pushes a second apart keep enough sound ahead for a page that gets no processor for half a second.
  await using server = await startServer({ edges: 2, args: ["--cadence", "1"] });
  await using browser = await openBrowser(voice("anna"));
  const host = await openSpace(browser, server.doorUrl, "The bridges at night", "Anna");
  const space = { id: host.id, url: host.url, hostUrl: "", hostTicket: "" };
  const { ticket } = await newGuest(server, space, "Ben");
  await command(server, space, ticket, { do: "hand", up: true });
  await inviteAsker(host.page);
  using ben = await startFakeSpeaker(server, space, { ticket, voice: "ben" });
  await ben.speaker.command({ do: "mute", seat: ben.speaker.seat, muted: false });
  const page = await listen(browser, host.url);
  using first = await startListening(server, space);
  using second = await startListening(server, space);

  const [anna, other, absent] = await Promise.all(
    (["anna", "ben", "chloe"] as const).map((name) => voicePcm(voice(name))),
  );
  const voicesIn = (who: string, heard: Float32Array): { readonly anna: boolean; readonly ben: boolean } => {
    const [annaScore, benScore, absentScore] = [anna, other, absent].map(
      (said) => presence(heard, said as Float32Array).meanScore,
    ) as [number, number, number];
    const scores = `Anna ${annaScore.toFixed(2)}, Ben ${benScore.toFixed(2)}, absent voice ${absentScore.toFixed(2)}`;
    t.diagnostic(`${who}, ${Math.round(heard.length / 48_000)} s: ${scores}`);
    // Silence scores 0 for every voice.
    const isPresent = (score: number): boolean => score > 0 && score >= PRESENT_RATIO * absentScore;
    return { anna: isPresent(annaScore), ben: isPresent(benScore) };
  };

  const heard = await hearUntil([host.page, page], ([atHost, atListener]) => {
    const isWhole = voicesIn("Anna", atHost).ben;
    const { anna: hasAnna, ben: hasBen } = voicesIn("the listener's page", atListener);
    return isWhole && hasAnna && hasBen;
  });
  assert.deepEqual(voicesIn("the listener's page", heard[1]), { anna: true, ben: true });
  for (const listener of [first, second])
    assert.deepEqual(voicesIn("a headless listener", newest(await listener.heardFrom(0))), { anna: true, ben: true });
  assert.deepEqual(voicesIn("Anna", heard[0]), { anna: false, ben: true });
  assert.deepEqual(voicesIn("Ben", newest(ben.heard())), { anna: true, ben: false });
});

/** The last of the sound, as much as a page is heard for in one round. */
function newest(pcm: Float32Array): Float32Array {
  return pcm.subarray(-HEAR_MS * 48);
}

type Pair<T> = readonly [T, T];

/** Records both pages, round after round, until `isEnough` of all that was heard so far, or the rounds are over. */
async function hearUntil(
  pages: Pair<Page>,
  isEnough: (heard: Pair<Float32Array>) => boolean,
): Promise<Pair<Float32Array>> {
  const rounds: Pair<Float32Array>[] = [];
  for (;;) {
    const [endFirst, endSecond] = [await listenTo(pages[0]), await listenTo(pages[1])];
    await pause(HEAR_MS);
    rounds.push([await endFirst(), await endSecond()]);
    const heard = [joined(rounds.map(([one]) => one)), joined(rounds.map(([, one]) => one))] as const;
    if (rounds.length === ROUNDS_MAX || isEnough(heard)) return heard;
  }
}
