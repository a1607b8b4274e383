import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { JoinedFrames } from "./joined-frames.ts";

test("gives the first caller nothing and every later one the joined bytes", () => {
  const joined = new JoinedFrames();
  const [state, sound] = [Buffer.from("state"), Buffer.from("sound")];
  assert.equal(joined.join([state, sound]), undefined);
  const bytes = joined.join([state, sound]);
  assert.equal(bytes?.toString(), "statesound");
  assert.equal(joined.join([state, sound]), bytes, "made once");
  assert.equal(joined.join([sound, state]), undefined, "the order matters");
  assert.equal(joined.join([state, Buffer.from("sound")]), undefined, "buffers are compared by identity");
});

test("joined bytes are always those of the given frames, in any order of calls", () => {
  const frames = Array.from({ length: 6 }, (_, i) => Buffer.alloc(i * 7_000, i));
  const group = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 2, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(group, { maxLength: 60 }), (groups) => {
      const joined = new JoinedFrames();
      for (const numbers of groups) {
        const wanted = numbers.map((i) => frames[i] as Buffer);
        const bytes = joined.join(wanted);
        assert.ok(bytes === undefined || bytes.equals(Buffer.concat(wanted)));
        assert.ok((bytes?.length ?? 0) <= 64 * 1024);
      }
    }),
  );
});

test("forgets frames after four other groups", () => {
  const joined = new JoinedFrames();
  const pair = () => [Buffer.from("a"), Buffer.from("b")];
  const first = pair();
  joined.join(first);
  for (let count = 0; count < 4; count++) joined.join(pair());
  assert.equal(joined.join(first), undefined);
});
