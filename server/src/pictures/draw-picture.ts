// Draws the picture that messengers show beside a link: 1200 x 630, a lit stage at dusk with the title on it.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { SKRSContext2D } from "@napi-rs/canvas";

export interface PictureFacts {
  readonly title: string;
  /** Empty: not known. */
  readonly host: string;
  /** `undefined`: of no space. */
  readonly phase: "created" | "live" | "ended" | undefined;
}

/** One PNG. Rejects if it cannot be made. */
export type DrawPicture = (facts: PictureFacts) => Promise<Uint8Array>;

type Canvas = typeof import("@napi-rs/canvas");

const WIDTH = 1200;
const HEIGHT = 630;
const MARGIN = 80;
const TITLE_TOP = 150;
const TITLE_HEIGHT = 300;
const SIZES = [92, 80, 68, 58, 48, 40];
const LINE_HEIGHT = 1.1;
const FAMILY = "Hustings";
const FONTS = ["bricolage", "bricolage-latin-ext", "bricolage-vietnamese"];
const COLORS = { dusk: "#1d1721", lamp: "#f2b45c", paper: "#f6efe4", soft: "#cbbfb4" } as const;
const PRODUCT = "Hustings";
const PHASES = { created: "Begins soon", live: "Live", ended: "Hear it again" } as const;
/** No font has it, so that it shows how a missing character looks. */
const MISSING = "\u{10fffe}";
const SAMPLE = 24;

/**
 * Fonts come from `fontsDirectory`; other scripts are drawn with the fonts of the machine, if it has them. `undefined`: there
 * is no canvas for this platform.
 */
export async function openDrawing(fontsDirectory: string): Promise<DrawPicture | undefined> {
  const canvas = await import("@napi-rs/canvas").catch(() => undefined);
  if (canvas === undefined) return undefined;
  const families: string[] = [];
  for (const font of FONTS) {
    const family = `${FAMILY} ${font}`;
    canvas.GlobalFonts.register(await readFile(join(fontsDirectory, `${font}.woff2`)), family);
    families.push(`"${family}"`);
  }
  const fontOf = (size: number, weight = 700) => `${weight} ${size}px ${families.join(", ")}, sans-serif`;
  return (facts) => draw(canvas, fontOf, facts);
}

type FontOf = (size: number, weight?: number) => string;

async function draw(canvas: Canvas, fontOf: FontOf, { title, host, phase }: PictureFacts): Promise<Uint8Array> {
  const picture = canvas.createCanvas(WIDTH, HEIGHT);
  const context = picture.getContext("2d");
  const isDrawable = drawableCheck(canvas, fontOf(SAMPLE));
  drawStage(context, phase === "live");
  const mark = phase === undefined ? PRODUCT : PHASES[phase];
  context.font = fontOf(34);
  context.fillStyle = phase === "live" ? COLORS.lamp : COLORS.soft;
  if (phase === "live") disc(context, MARGIN + 12, MARGIN + 10, 12);
  context.fillText(mark, MARGIN + (phase === "live" ? 42 : 0), MARGIN + 22);
  const shownTitle = drawableText(title, isDrawable);
  const shownHost = drawableText(host, isDrawable);
  drawTitle(context, shownTitle || PRODUCT, fontOf);
  context.fillStyle = COLORS.soft;
  if (shownHost) drawLine(context, shownHost, fontOf(36, 500), 502);
  return picture.encode("png");
}

function drawStage(context: SKRSContext2D, isLit: boolean): void {
  context.fillStyle = COLORS.dusk;
  context.fillRect(0, 0, WIDTH, HEIGHT);
  const light = context.createRadialGradient(WIDTH / 2, -80, 60, WIDTH / 2, -80, 760);
  light.addColorStop(0, isLit ? "rgba(242, 180, 92, 0.5)" : "rgba(246, 239, 228, 0.12)");
  light.addColorStop(1, "rgba(242, 180, 92, 0)");
  context.fillStyle = light;
  context.fillRect(0, 0, WIDTH, HEIGHT);
  context.fillStyle = COLORS.paper;
  context.beginPath();
  context.moveTo(60, 552);
  context.lineTo(WIDTH - 60, 552);
  context.lineTo(WIDTH - 20, HEIGHT);
  context.lineTo(20, HEIGHT);
  context.fill();
}

function disc(context: SKRSContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, Math.PI * 2);
  context.fill();
}

function drawTitle(context: SKRSContext2D, title: string, fontOf: FontOf): void {
  context.fillStyle = COLORS.paper;
  for (const size of SIZES) {
    context.font = fontOf(size);
    const lineHeight = size * LINE_HEIGHT;
    const maxLines = Math.floor(TITLE_HEIGHT / lineHeight);
    const lines = linesOf(title, WIDTH - 2 * MARGIN, (text) => context.measureText(text).width);
    if (lines.length > maxLines && size !== SIZES.at(-1)) continue;
    const shown = lines.length > maxLines ? [...lines.slice(0, maxLines - 1), `${lines[maxLines - 1]}…`] : lines;
    for (const [i, line] of shown.entries()) drawLine(context, line, context.font, TITLE_TOP + size + i * lineHeight);
    return;
  }
}

function drawLine(context: SKRSContext2D, text: string, font: string, y: number): void {
  const isRightToLeft = /^[^\p{L}]*[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/u.test(text);
  context.font = font;
  context.direction = isRightToLeft ? "rtl" : "ltr";
  context.textAlign = isRightToLeft ? "right" : "left";
  context.fillText(text, isRightToLeft ? WIDTH - MARGIN : MARGIN, y, WIDTH - 2 * MARGIN);
}

/** Breaks between words, and within a word that is wider than the line. */
export function linesOf(text: string, maxWidth: number, widthOf: (text: string) => number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter((one) => one !== "")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (widthOf(longer) <= maxWidth) {
      line = longer;
      continue;
    }
    if (line !== "") lines.push(line);
    line = "";
    for (const { segment } of new Intl.Segmenter().segment(word)) {
      if (line !== "" && widthOf(line + segment) > maxWidth) {
        lines.push(line);
        line = "";
      }
      line += segment;
    }
  }
  if (line !== "") lines.push(line);
  return lines;
}

/** Without emoji that no font has; `undefined` if a letter cannot be drawn, because a title with holes misleads. */
export function drawableText(text: string, isDrawable: (character: string) => boolean): string | undefined {
  const kept: string[] = [];
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (/^\s*$/u.test(segment) || [...segment].every((one) => isInvisible(one) || isDrawable(one))) kept.push(segment);
    else if (/[\p{L}\p{N}]/u.test(segment)) return undefined;
  }
  return kept.join("").trim();
}

/** Joiners, directions and other characters that draw nothing. */
function isInvisible(character: string): boolean {
  return /\p{M}|\p{Cf}|\p{Z}|\p{Variation_Selector}/u.test(character);
}

/** Compares how the character looks with how a missing one does. */
function drawableCheck(canvas: Canvas, font: string): (character: string) => boolean {
  const sample = canvas.createCanvas(SAMPLE * 2, SAMPLE * 2);
  const context = sample.getContext("2d");
  context.font = font;
  const looks = (character: string): string => {
    context.clearRect(0, 0, SAMPLE * 2, SAMPLE * 2);
    context.fillText(character, SAMPLE / 2, SAMPLE * 1.5);
    return Buffer.from(context.getImageData(0, 0, SAMPLE * 2, SAMPLE * 2).data.buffer).toString("base64");
  };
  const missing = looks(MISSING);
  return (character) => looks(character) !== missing;
}
