// Two people speak from real browsers with fake microphones, three listen; what each hears is judged by its sound.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { presence } from "../../media/correlate.ts";
import { openVenue } from "../venue.ts";
import { listenTo, openBrowser, voicePcm } from "./browser.ts";
import { joinStage, listen, openSpace } from "./people.ts";
import { voice } from "./voices.ts";

// A voice that came through a browser's noise suppression and a mix with another correlates at about 0.4 with its source,
// one that is not there at 0.2 by chance.
const ALIKE = 0.3;
/** Once through the longest voice, and a little: how long is heard, not a deadline. */
const HEAR_MS = 20_000;
const PRESENT = 0.4;
const ABSENT = 0.2;

test("each listener hears both speakers, and each speaker hears the other and not themselves", async (t) => {
  await using venue = await openVenue({ edges: 2 });
  await using anna = await openBrowser(voice("anna"));
  await using ben = await openBrowser(voice("ben"));
  await using crowd = await openBrowser();
  const host = await openSpace(anna, venue.doorUrl, "The bridges at night", "Anna");
  const guest = await joinStage(ben, host.page, host.url, "Ben");
  const listeners = [await listen(crowd, host.url), await listen(crowd, host.url), await listen(crowd, host.url)];

  const ears = await Promise.all([host.page, guest, ...listeners].map(listenTo));
  await pause(HEAR_MS);
  const [atHost, atGuest, ...atListeners] = await Promise.all(ears.map((hear) => hear()));

  const [annaSaid, benSaid] = [await voicePcm(voice("anna")), await voicePcm(voice("ben"))];
  const voices = [annaSaid, benSaid, await voicePcm(voice("chloe"))];
  const shareOf = (heard: Float32Array | undefined, said: Float32Array): number =>
    presence(heard as Float32Array, said, { threshold: ALIKE }).found;
  for (const [i, heard] of [atHost, atGuest, ...atListeners].entries()) {
    const power =
      (heard as Float32Array).reduce((sum, sample) => sum + sample ** 2, 0) / (heard as Float32Array).length;
    const scores = voices.map((said) => presence(heard as Float32Array, said).meanScore.toFixed(2));
    t.diagnostic(
      `ear ${i}: Anna, Ben and the absent Chloe ${scores}; ${(heard as Float32Array).length / 48_000} s, ${(10 * Math.log10(power)).toFixed(1)} dBov`,
    );
  }
  atListeners.forEach((heard, i) => {
    const [a, b] = [shareOf(heard, annaSaid), shareOf(heard, benSaid)];
    t.diagnostic(`listener ${i}: ${(a * 100).toFixed(0)} % of Anna, ${(b * 100).toFixed(0)} % of Ben`);
    assert.ok(a >= PRESENT && b >= PRESENT, `listener ${i} hears ${a} of Anna and ${b} of Ben`);
  });
  const [hostOther, hostSelf] = [shareOf(atHost, benSaid), shareOf(atHost, annaSaid)];
  const [guestOther, guestSelf] = [shareOf(atGuest, annaSaid), shareOf(atGuest, benSaid)];
  t.diagnostic(
    `host: ${hostOther} of Ben, ${hostSelf} of herself · guest: ${guestOther} of Anna, ${guestSelf} of himself`,
  );
  assert.ok(hostOther >= PRESENT && hostSelf <= ABSENT, `Anna hears ${hostOther} of Ben and ${hostSelf} of herself`);
  assert.ok(
    guestOther >= PRESENT && guestSelf <= ABSENT,
    `Ben hears ${guestOther} of Anna and ${guestSelf} of himself`,
  );
});
