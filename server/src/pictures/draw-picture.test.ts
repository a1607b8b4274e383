import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createCanvas, loadImage } from "@napi-rs/canvas";
import fc from "fast-check";
import { drawableText, linesOf, openDrawing, type PictureFacts } from "./draw-picture.ts";

const FONTS = join(import.meta.dirname, "../../../web/fonts");
const draw = (await openDrawing(FONTS)) ?? assert.fail("no canvas");

async function pixelsOf(facts: PictureFacts): Promise<Buffer> {
  const image = await loadImage(await draw(facts));
  assert.deepEqual([image.width, image.height], [1200, 630]);
  const context = createCanvas(1200, 630).getContext("2d");
  context.drawImage(image, 0, 0);
  return Buffer.from(context.getImageData(0, 0, 1200, 630).data.buffer);
}

test("a picture is 1200 by 630 and shows the title, the host and whether the space is live", async () => {
  const facts = { title: "Who speaks for the harbour?", host: "Ada", phase: "live" } as const;
  const pixels = await pixelsOf(facts);
  for (const other of [
    { ...facts, title: "Another" },
    { ...facts, host: "Ben" },
    { ...facts, phase: "ended" } as const,
  ])
    assert.ok(!pixels.equals(await pixelsOf(other)));
});

test("Polish, Turkish, Czech and Vietnamese letters are drawn with the fonts of the page", async () => {
  for (const title of ["Zażółć gęślą jaźń", "Çığ düştü, İstanbul", "Příliš žluťoučký kůň", "Tiếng Việt đẹp lắm"])
    assert.ok(
      !(await pixelsOf({ title, host: "", phase: "live" })).equals(
        await pixelsOf({ title: "", host: "", phase: "live" }),
      ),
    );
});

test("hostile titles make a picture too", async () => {
  const titles = [
    "",
    "\u202e\u2066",
    "W".repeat(120),
    "Z\u0301\u0323".repeat(60),
    "🎪".repeat(120),
    "<svg onload=1>&amp;",
    "\ud800 x",
  ];
  for (const title of titles) await pixelsOf({ title, host: title.slice(0, 60), phase: "created" });
});

test("lines keep every word, break long ones, and are not wider than the picture", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 120 }), fc.integer({ min: 2, max: 20 }), (text, width) => {
      const lengthOf = (line: string) => [...new Intl.Segmenter().segment(line)].length;
      const lines = linesOf(text, width, lengthOf);
      assert.equal(lines.join("").replace(/\s/g, ""), text.replace(/\s/g, ""));
      for (const line of lines) assert.ok(lengthOf(line) <= width, line);
    }),
  );
});

test("emoji that no font has are left out, and a title with a letter that no font has is not shown", () => {
  const isLatin = (character: string) => /[\p{Script=Latin}?!]/u.test(character);
  assert.equal(drawableText("🎪 The circus! 🎺", isLatin), "The circus!");
  assert.equal(drawableText("The 馬 circus", isLatin), undefined);
  assert.equal(drawableText("Zoe\u0301", isLatin), "Zoe\u0301");
});
