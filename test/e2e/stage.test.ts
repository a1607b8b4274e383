// Two people speak from real browsers with fake microphones, three listen; what each hears is judged by its sound.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { presence } from "../../media/measure/correlate.ts";
import { listenTo, openBrowser, voicePcm } from "../testing/browser/browser.ts";
import { joinStage, listen, openSpace } from "../testing/browser/page-actions.ts";
import { startServer } from "../testing/running-server.ts";
import { voice } from "../testing/voices.ts";

/** Once through the longest voice, and a little: how long is heard, not a deadline. */
const HEAR_MS = 20_000;
// A voice that came through a browser's noise suppression and a mix with another scores two to three times what a voice
// does that is not there; on a busy machine, where a page drops some of what it hears, still more than one and a half.
const THERE = 1.4;

test("each listener hears both speakers, and each speaker hears the other and not themselves", async (t) => {
  // With pushes a second apart a page that gets no processor for half a second has no gap, and nothing tears a word apart.
  await using server = await startServer({ edges: 2, args: ["--cadence", "1"] });
  await using anna = await openBrowser(voice("anna"));
  await using ben = await openBrowser(voice("ben"));
  await using crowd = await openBrowser();
  const host = await openSpace(anna, server.doorUrl, "The bridges at night", "Anna");
  const guest = await joinStage(ben, host.page, host.url, "Ben");
  const listeners = [await listen(crowd, host.url), await listen(crowd, host.url), await listen(crowd, host.url)];

  const ears = await Promise.all([host.page, guest, ...listeners].map(listenTo));
  await pause(HEAR_MS);
  const [atHost, atGuest, ...atListeners] = await Promise.all(ears.map((hear) => hear()));

  const voices = await Promise.all((["anna", "ben", "chloe"] as const).map((name) => voicePcm(voice(name))));
  const hears = (who: string, heard: Float32Array | undefined): { readonly anna: boolean; readonly ben: boolean } => {
    const [anna = 0, ben = 0, absent = 1] = voices.map((said) => presence(heard as Float32Array, said).meanScore);
    t.diagnostic(`${who}: Anna ${anna.toFixed(2)}, Ben ${ben.toFixed(2)}, who is not there ${absent.toFixed(2)}`);
    return { anna: anna >= THERE * absent, ben: ben >= THERE * absent };
  };
  atListeners.forEach((heard, i) => {
    assert.deepEqual(hears(`listener ${i}`, heard), { anna: true, ben: true });
  });
  assert.deepEqual(hears("Anna", atHost), { anna: false, ben: true });
  assert.deepEqual(hears("Ben", atGuest), { anna: true, ben: false });
});
