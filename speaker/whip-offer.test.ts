import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Refusal } from "@hustings/wire/errors.ts";
import { parseIceServers, sendOffer } from "./whip-offer.ts";

const { fetch } = globalThis;
const OFFER = { url: "https://stage.example/s", ticket: "t", sdp: "offer", deadlineMs: 60_000 };

afterEach(() => {
  globalThis.fetch = fetch;
});

function answerWith(answer: () => Response): void {
  globalThis.fetch = async () => answer();
}

test("returns the answer, the call and the ICE servers of a 201 response", async () => {
  const headers = { link: '<stun:a:3478>; rel="ice-server"', location: "/stage/0123456789/a-call" };
  answerWith(() => new Response("answer", { status: 201, headers }));
  const iceServers = [{ urls: "stun:a:3478" }];
  assert.deepEqual(await sendOffer(OFFER), { sdp: "answer", callId: "a-call", iceServers });
  answerWith(() => new Response("answer", { status: 201 }));
  assert.equal((await sendOffer(OFFER)).callId, undefined);
});

test("throws the stage's refusal, stage-away without a response, and internal for an unexpected status", async () => {
  const codeOf = async (answer: () => Response) => {
    answerWith(answer);
    return sendOffer(OFFER).catch((error: unknown) => (error instanceof Refusal ? error.code : error));
  };
  const body = JSON.stringify({ error: "not-invited", message: "", todo: "" });
  assert.equal(await codeOf(() => new Response(body, { status: 403 })), "not-invited");
  assert.equal(await codeOf(() => new Response("<html>", { status: 502 })), "internal");
  assert.equal(
    await codeOf(() => {
      throw new TypeError("connection refused");
    }),
    "stage-away",
  );
});

test("reads ICE servers from a Link header and ignores other links", () => {
  const parameters = 'rel="ice-server"; username="1:p"; credential="c=/,"; credential-type="password"';
  const header = `<stun:a:3478>; rel="ice-server", <turn:b?transport=udp>; ${parameters}, <https://c>; rel="next"`;
  assert.deepEqual(parseIceServers(header), [
    { urls: "stun:a:3478" },
    { urls: "turn:b?transport=udp", username: "1:p", credential: "c=/," },
  ]);
  assert.deepEqual(parseIceServers(""), []);
  assert.deepEqual(parseIceServers("<turn:x>; rel=, <<<, ;;;"), []);
});
