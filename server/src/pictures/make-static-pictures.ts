// Makes the pictures that are the same everywhere and are committed in web/public: icons, and the link picture without a space.
// Run it by hand after a change of web/public/icon.svg or of draw-picture.ts.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createCanvas, loadImage } from "@napi-rs/canvas";
import { openDrawing } from "./draw-picture.ts";

const WEB = join(import.meta.dirname, "../../../web");
const DUSK = "#1d1721";

/** `inset`: the share of each side that a mask may cut off. Absent: the icon has its own round corners. */
const ICONS = [
  { file: "icon-192.png", size: 192 },
  { file: "icon-512.png", size: 512 },
  { file: "icon-maskable-512.png", size: 512, inset: 0.12 },
  { file: "apple-touch-icon.png", size: 180, inset: 0 },
] as const;

async function icon(size: number, inset: number | undefined): Promise<Uint8Array> {
  const canvas = createCanvas(size, size);
  const context = canvas.getContext("2d");
  if (inset !== undefined) {
    context.fillStyle = DUSK;
    context.fillRect(0, 0, size, size);
  }
  const margin = size * (inset ?? 0);
  const svg = String(await readFile(join(WEB, "public/icon.svg"))).replace("<svg ", '<svg width="1024" height="1024" ');
  context.drawImage(await loadImage(Buffer.from(svg)), margin, margin, size - 2 * margin, size - 2 * margin);
  return canvas.encode("png");
}

async function makeStaticPictures(): Promise<void> {
  for (const { file, size, ...rest } of ICONS)
    await writeFile(join(WEB, "public", file), await icon(size, "inset" in rest ? rest.inset : undefined));
  const draw = await openDrawing(join(WEB, "fonts"));
  if (draw === undefined) throw new Error("There is no canvas for this platform.");
  const facts = { title: "Live audio for crowds of any size", host: "Open a link and listen", phase: undefined };
  await writeFile(join(WEB, "public/link.png"), await draw(facts));
}

if (import.meta.main) await makeStaticPictures();
