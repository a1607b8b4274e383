import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { decodeOgg } from "@hustings/media/codec/decode-ogg.ts";
import { loadOpus } from "@hustings/media/codec/opus.ts";
import { encodeStereo, interleave } from "@hustings/media/codec/testing/opus-fixture.ts";
import { readOgg } from "@hustings/media/container/ogg/ogg-reader.ts";
import { oggFile, oggPages } from "@hustings/media/container/ogg/testing/ogg-fixture.ts";
import { packetDurationSamples } from "@hustings/media/container/opus-packet.ts";
import { wavFile } from "@hustings/media/container/wav/testing/wav-fixture.ts";
import { writeWav } from "@hustings/media/container/wav/wav-writer.ts";
import { presence } from "@hustings/media/measure/correlate.ts";
import { readVoice, VoiceFileError } from "./voice-file.ts";

const opus = await loadOpus();
const [welcome] = readOgg(await readFile(new URL("../../media/voices/welcome.opus", import.meta.url)));
const packets = welcome.packets.slice(0, 250);
const voice = decodeOgg(opus, oggFile({ packets }));
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "hustings-voice-"));
});

after(() => rm(folder, { recursive: true }));

async function kept(bytes: Uint8Array): Promise<string> {
  const path = join(folder, "voice");
  await writeFile(path, bytes);
  return path;
}

/** The packets of a file as a decoder hears them. */
function heard(spoken: readonly Uint8Array[]): Float32Array {
  assert.ok(spoken.every((packet) => packetDurationSamples(packet) === 960));
  return decodeOgg(opus, oggFile({ packets: spoken }));
}

async function reasonAgainst(bytes: Uint8Array): Promise<string> {
  const path = await kept(bytes);
  const error = await readVoice(path).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof VoiceFileError, `${error}`);
  assert.ok(error.message.startsWith(path) && error.message.endsWith("."), error.message);
  return error.message.slice(path.length + 1);
}

test("speaks the packets of a mono file of 20 ms packets as they are, also of a chain", async () => {
  assert.deepEqual(await readVoice(await kept(oggFile({ packets }))), packets);
  const chain = Buffer.concat([oggFile({ packets, serial: 1 }), oggFile({ packets, serial: 2 })]);
  assert.deepEqual(await readVoice(await kept(chain)), [...packets, ...packets]);
});

test("speaks WAV, also behind ID3 tags, and Ogg with a gain, in stereo with one side inverted, or damaged", async () => {
  const id3 = Buffer.concat([Buffer.from("ID3\x04\0\0\0\0\x01\x00", "latin1"), Buffer.alloc(128, "x")]);
  const stereo = await encodeStereo(
    interleave(
      voice,
      voice.map((sample) => -sample),
    ),
  );
  const files = {
    wav: writeWav(voice),
    tagged: Buffer.concat([id3, writeWav(voice)]),
    gain: oggFile({ packets, gainDb: -6 }),
    inverted: oggFile({ packets: stereo, channels: 2 }),
    damaged: Buffer.concat(oggPages({ packets, packetsPerPage: 5 }).toSpliced(9, 1)),
  };
  for (const [name, bytes] of Object.entries(files)) {
    const spoken = await readVoice(await kept(bytes));
    assert.ok(Math.abs(spoken.length - packets.length) <= 1, name);
    assert.ok(presence(heard(spoken), voice).found > 0.7, name);
  }
});

test("speaks surround, in WAV and in Ogg", async () => {
  const pan = "pan=5.1|FL=0*c0|FR=0*c0|FC=c0|LFE=0*c0|BL=0*c0|BR=0*c0";
  const opusOutput = ["-c:a", "libopus", "-mapping_family", "1", "-b:a", "256k", "-f", "ogg"];
  for (const output of [["-f", "wav"], opusOutput]) {
    const args = ["-v", "error", "-i", "pipe:0", "-af", pan, ...output, "pipe:1"];
    const file = execFileSync("ffmpeg", args, { input: writeWav(voice), maxBuffer: 2 ** 28 });
    const spoken = await readVoice(await kept(file));
    assert.ok(Math.abs(spoken.length - packets.length) <= 1);
    assert.ok(presence(heard(spoken), voice).found > 0.7);
  }
});

test("says how much of a damaged file is missing", async () => {
  const notes: string[] = [];
  const path = await kept(Buffer.concat(oggPages({ packets }).toSpliced(9, 1)));
  await readVoice(path, (sentence) => notes.push(sentence));
  assert.deepEqual(notes, [`${path} is damaged: 0.2 s of sound are missing.`]);
});

test("refuses a file without sound, and a file that it cannot read, and says which kind it is", async () => {
  assert.equal(await reasonAgainst(wavFile({}, new Uint8Array(0))), "cannot be spoken: there is no sound in it.");
  assert.equal(await reasonAgainst(oggFile({ packets: [] })), "cannot be spoken: there is no sound in it.");
  assert.equal(await reasonAgainst(new Uint8Array(0)), "is an empty file. Give a WAV or Ogg Opus file.");
  assert.equal(
    await reasonAgainst(Buffer.from("hello")),
    "is no sound file that Hustings knows. Give a WAV or Ogg Opus file.",
  );
  assert.equal(await reasonAgainst(Buffer.from("fLaC....")), "is a FLAC file. Give a WAV or Ogg Opus file.");
  assert.equal(
    await reasonAgainst(Buffer.from("ID3\x04\0\0\0\0\0\x00\xff\xfb\x90\x64", "latin1")),
    "is an MP3 file. Give a WAV or Ogg Opus file.",
  );
  assert.equal(
    await reasonAgainst(wavFile({ code: 85 }, new Uint8Array(8))),
    "cannot be read: its sound is coded as MP3, which is not read.",
  );
  assert.match(
    await reasonAgainst(oggFile({ packets, channels: 4, mapping: [2, 4, 0] })),
    /^cannot be read: its channels have mapping family 2/,
  );
});

test("refuses a path with no file, and a folder, in a sentence", async () => {
  const missing = join(folder, "missing.wav");
  await assert.rejects(readVoice(missing), {
    name: "VoiceFileError",
    message: `There is no file or folder ${missing}.`,
  });
  await assert.rejects(readVoice(folder), { message: `${folder} is a folder, not a file.` });
});
