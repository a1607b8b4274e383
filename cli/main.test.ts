import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { PATIENCE_MS } from "../test/testing/until.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const VOICE = fileURLToPath(new URL("../media/voices/welcome.opus", import.meta.url));

test("lists the commands without arguments and with --help", () => {
  for (const args of [[], ["--help"], ["help"]]) {
    const { status, stdout } = hustings(args);
    assert.equal(status, 0);
    for (const name of ["serve", "stop", "doctor", "speak", "listen", "demo"]) {
      assert.match(stdout, new RegExp(`hustings ${name} `));
    }
  }
});

test("every command has a help text", () => {
  for (const name of ["serve", "stop", "doctor", "speak", "listen", "space", "demo"]) {
    const { status, stdout, stderr } = hustings([name, "--help"]);
    assert.deepEqual([status, stderr], [0, ""], name);
    assert.match(stdout, new RegExp(`^hustings ${name}`));
  }
});

test("an unknown command exits with 2 and lists the known ones", () => {
  const { status, stderr } = hustings(["srve"]);
  assert.equal(status, 2);
  assert.match(stderr, /^There is no command "srve"\.\n[\s\S]*hustings serve/);
});

test("serve names all mistakes in its settings at once and starts nothing", () => {
  const { status, stdout, stderr } = hustings(["serve", "extra", "--prot", "--port", "x", "--edges", "0"], {
    HUSTINGS_UDP_PORT: "many",
  });
  assert.deepEqual([status, stdout], [2, ""]);
  assert.deepEqual(stderr.trim().split("\n"), [
    '"extra" belongs to no option.',
    "There is no setting --prot.",
    '--port must be a whole number from 1 to 65535, not "x".',
    'HUSTINGS_UDP_PORT must be a whole number from 1 to 65535, not "many".',
    '--edges must be a whole number from 1 to 256, not "0".',
    '"hustings serve --help" lists the options.',
  ]);
});

test("names an unknown flag, and a flag without its value", () => {
  assert.match(hustings(["stop", "--colour"]).stderr, /^Unknown option '--colour'\. "hustings stop --help"/);
  assert.match(hustings(["serve", "--port"]).stderr, /^--port needs a value\./);
});

test("stop succeeds when no server runs", () => {
  const { status, stdout } = hustings(["stop", "--data", "no-such-directory"]);
  assert.equal(status, 0);
  assert.match(stdout, /^No server runs on .*no-such-directory\.\n$/);
});

test("listen and speak say in one sentence that no server answers, and exit with 1", async () => {
  const origin = await withServer(async (served) => served);
  const sentence = `No server answers at ${origin}: the connection was refused.\n`;
  for (const args of [
    ["listen", `${origin}/s/0123456789`],
    ["speak", `${origin}/s/0123456789#host=secret`, "--file", VOICE],
  ]) {
    const { status, stdout, stderr } = hustings(args);
    assert.deepEqual([args[0], status, stdout, stderr], [args[0], 1, "", sentence]);
  }
});

test("speak says that the file does not exist, is a folder or is no sound file, before it asks a server", () => {
  const link = "http://127.0.0.1:1/s/0123456789#host=secret";
  for (const [file, sentence] of [
    ["no-such-file.wav", "There is no file or folder no-such-file.wav.\n"],
    ["/", "/ is a folder, not a file.\n"],
    [MAIN, `${MAIN} is no sound file that Hustings knows. Give a WAV or Ogg Opus file.\n`],
  ] as const) {
    const { status, stdout, stderr } = hustings(["speak", link, "--file", file]);
    assert.deepEqual([status, stdout, stderr], [1, "", sentence]);
  }
});

test("listen says that its file cannot be written, and exits with 1", async () => {
  const { status, stderr } = await withServer((origin) =>
    hustingsBeside(["listen", `${origin}/s/0123456789`, "--out", "no-such-folder/out.ogg"]),
  );
  assert.deepEqual([status, stderr], [1, "There is no file or folder no-such-folder/out.ogg.\n"]);
});

test("listen says that a server is not Hustings", async () => {
  const { status, stderr } = await withServer(
    (origin) => hustingsBeside(["listen", `${origin}/s/0123456789`]),
    "<html>hello</html>",
  );
  assert.equal(status, 1);
  assert.match(stderr, /^http:\/\/127\.0\.0\.1:\d+\/\S+ did not answer with JSON\. Is it a Hustings server\?\n$/);
});

/** Runs `use` while a server answers every request with `body`. */
async function withServer<T>(use: (origin: string) => Promise<T>, body = "{}"): Promise<T> {
  const server = createServer((_, response) => void response.end(body)).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
}

/** As `hustings`, while this process goes on. */
async function hustingsBeside(args: readonly string[]): Promise<{ status: number | null; stderr: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "ignore", "pipe"], timeout: PATIENCE_MS });
  const [stderr] = await Promise.all([text(child.stderr), once(child, "close")]);
  return { status: child.exitCode, stderr };
}

function hustings(args: readonly string[], environment: Record<string, string> = {}) {
  const env = { ...process.env, ...environment };
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8", env, timeout: PATIENCE_MS });
}
