import assert from "node:assert/strict";
import { test } from "node:test";
import type { RoomDocument } from "@hustings/wire/listen/room-document.ts";
import { SPACE } from "../../replica/testing/fake-upstream.ts";
import { get, startFixture } from "../testing/edge-fixture.ts";
import { createPageOrigin } from "./page-origin.ts";
import { createPages } from "./pages.ts";

const room = {
  id: SPACE,
  title: '<Harbour> & "ferry"',
  host: "Ada",
  phase: "live",
  audience: 2,
  asOfUtcMs: 0,
} as RoomDocument;

test("the origin is the public one, else that of the request, and never made of a Host header that names no host", () => {
  const open = { isTls: false, hasProxies: false };
  const asked = createPageOrigin(open);
  assert.equal(asked({ host: "Talk.example:8080" }), "http://talk.example:8080");
  assert.equal(asked({ host: "[2001:db8::1]:80" }), "http://[2001:db8::1]:80");
  for (const host of ["", "evil.example/path", "a b", "x@y", 'x"><script>', "x\ny", "evil.example#", "evil.example?x"])
    assert.equal(asked({ host }), undefined, host);
  assert.equal(asked({ host: "x", "x-forwarded-proto": "https" }), "http://x");
  assert.equal(
    createPageOrigin({ ...open, hasProxies: true })({ host: "x", "x-forwarded-proto": "https" }),
    "https://x",
  );
  assert.equal(createPageOrigin({ ...open, isTls: true })({ host: "x" }), "https://x");
  const fixed = createPageOrigin({ ...open, publicUrl: "https://talk.example" });
  assert.equal(fixed({ host: "evil.example" }), "https://talk.example");
});

test("the head of a space has the tags of a link with a picture, escaped, and another picture for another title", async () => {
  const pages = pagesFor("https://talk.example");
  const head = await textOf(pages.space({}, 200, "1", room));
  assert.match(head, /<meta property="og:url" content="https:\/\/talk\.example\/s\/\w+">/);
  assert.match(
    head,
    /<meta property="og:image" content="https:\/\/talk\.example\/api\/spaces\/\w+\/picture\.png\?v=live-\w+">/,
  );
  assert.match(head, /<meta name="twitter:card" content="summary_large_image">/);
  assert.match(head, /og:title" content="&#60;Harbour&#62; &#38; &#34;ferry&#34;"/);
  const pictureOf = (text: string) => /og:image" content="([^"]+)"/.exec(text)?.[1];
  const renamed = await textOf(pages.space({}, 200, "2", { ...room, title: "Another" }));
  assert.notEqual(pictureOf(renamed), pictureOf(head));
  assert.equal(pictureOf(await textOf(pages.home({}, undefined))), "https://talk.example/link.png");
});

test("without an origin a page has no absolute addresses", async () => {
  const head = await textOf(pagesFor(undefined).space({}, 200, "1", room));
  assert.doesNotMatch(head, /og:image|og:url/);
  assert.match(head, /twitter:card" content="summary"/);
});

test("pages for many made-up hosts are not compressed, and each host gets its own addresses", async () => {
  const pages = createPages({ ...BASE, originOf: ({ host }) => `http://${host}` });
  for (let n = 0; n < 30; n++) {
    const { headers, body } = await pages.home({ host: `h${n}`, "accept-encoding": "br" }, undefined);
    assert.equal("content-encoding" in headers, n < 8, `h${n}`);
    if (n >= 8) assert.match(String(body), new RegExp(`http://h${n}/link\\.png`));
  }
});

test("an edge names the host of the request in its pages", async () => {
  await using fixture = await startFixture();
  const { body } = await get(fixture.edge.port, "/");
  assert.match(
    body,
    new RegExp(`og:image" content="http://(?:127\\.0\\.0\\.1|localhost):${fixture.edge.port}/link\\.png"`),
  );
});

const BASE = { document: "<!--head-->", stagePort: 1, openSpaces: "anyone" } as const;

function pagesFor(origin: string | undefined) {
  return createPages({ ...BASE, originOf: () => origin });
}

async function textOf(answer: unknown): Promise<string> {
  return String(((await answer) as { body: Buffer | string }).body);
}
