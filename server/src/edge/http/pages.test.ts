import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { brotliDecompressSync } from "node:zlib";
import type { SpaceId } from "@hustings/wire/ids.ts";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import type { PreparedResponse } from "../../http/responses.ts";
import { SPACE } from "../../replica/testing/fake-upstream.ts";
import { get, startFixture } from "../testing/edge-fixture.ts";
import { createPages } from "./pages.ts";

/** The home page as a browser requests it, with the length that the response declares. */
function getCompressed(port: number, method = "GET"): Promise<{ readonly bytes: Buffer; readonly length: number }> {
  return new Promise((resolve, reject) => {
    const headers = { "accept-encoding": "gzip, br" };
    const asked = request({ host: "127.0.0.1", port, path: "/", method, headers, agent: false }, (answer) => {
      const bytes: Buffer[] = [];
      assert.equal(answer.headers["content-encoding"], "br");
      assert.equal(answer.headers["x-content-type-options"], "nosniff");
      answer.on("data", (some) => bytes.push(some));
      answer.on("end", () => {
        resolve({ bytes: Buffer.concat(bytes), length: Number(answer.headers["content-length"]) });
      });
    });
    asked.on("error", reject).end();
  });
}

test("serves a cached compressed page byte for byte, and never an outdated one", async () => {
  await using fixture = await startFixture();
  const { port } = fixture.edge;
  for (const [space, title] of [
    [SPACE, "Grüße 🎙"],
    ["space00001" as SpaceId, "Another"],
  ] as const) {
    await fixture.stage.create(space, title);
    await fixture.clock.advanceAsync(1_000);
    const { body } = await get(port, "/");
    assert.match(body, new RegExp(title));
    for (let i = 0; i < 3; i++) {
      const { bytes, length } = await getCompressed(port);
      assert.equal(length, bytes.length);
      assert.equal(brotliDecompressSync(bytes).toString(), body);
    }
  }
  const head = await getCompressed(port, "HEAD");
  assert.equal(head.bytes.length, 0);
  assert.ok(head.length > 0);
});

test("puts the title, the description and the no-script text into a page, with markup in a title escaped", () => {
  const document = "<head><!--head--></head><body><!--boot--><noscript><!--no-script--></noscript></body>";
  const room = { id: SPACE, title: "<b>Harbour</b>", phase: "live", host: "Ada", audience: 12_480 } as RoomDocument;
  const page = createPages({ document, stagePort: 8444, openSpaces: "anyone" }).space(
    {},
    200,
    "tag",
    room,
  ) as PreparedResponse;
  const body = String(page.body);
  assert.match(body, /<title>&#60;b&#62;Harbour&#60;\/b&#62; · Hustings<\/title>/);
  assert.match(body, /content="Live now with Ada\. 12,480 people are listening\. Open the link and listen/);
  assert.match(body, /<noscript>Hustings plays live sound with JavaScript\./);
});
