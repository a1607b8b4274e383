// Proves the launcher's promises by running it in planted trees. Knows nothing of what Hustings itself does.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const binFolder = fileURLToPath(new URL("./", import.meta.url));
const oldNode = ["--import", `data:text/javascript,${encodeURIComponent(pretend("node", "20.11.0"))}`];
const oddPlatform = ["--import", "data:text/javascript,Object.defineProperty(process,'platform',{value:'plan9'})"];

interface Tree extends AsyncDisposable {
  readonly root: string;
  /** Starts the launcher copied to `<root>/deep/cli/bin` with the given Node options and arguments. */
  start(nodeOptions: readonly string[], args: readonly string[], bin?: string): ChildProcess;
}

test("the pinned Node is found in a node_modules above the launcher, and gets the script and its arguments", async () => {
  await using tree = await plantTree();
  await plantNode(tree.root, '#!/bin/sh\necho "pinned $@"\n');
  const end = await ending(tree.start(oldNode, ["script.ts", "--flag", "a b"]));
  assert.deepEqual(end, { code: 0, signal: null, out: "pinned script.ts --flag a b\n", err: "" });
});

test("a TypeScript script runs without a word on stderr, and its exit code is the launcher's", async () => {
  await using tree = await plantTree();
  await linkNode(tree.root);
  const script = join(tree.root, "script.ts");
  await writeFile(script, "const code: number = 7;\nconsole.log(process.argv.length);\nprocess.exitCode = code;\n");
  const end = await ending(tree.start(oldNode, [script, "one", "two"]));
  assert.deepEqual(end, { code: 7, signal: null, out: "4\n", err: "" });
});

test("the hustings command runs cli/main.ts with its arguments", async () => {
  await using tree = await plantTree();
  await linkNode(tree.root);
  await writeFile(join(tree.root, "deep/cli/main.ts"), "console.log(process.argv.slice(2).join());\n");
  const end = await ending(tree.start(oldNode, ["serve", "--demo"], "hustings.mjs"));
  assert.equal(end.out, "serve,--demo\n");
});

test("without the pinned Node a running Node that is new enough is used", async () => {
  await using tree = await plantTree();
  const script = join(tree.root, "script.mjs");
  await writeFile(script, "console.log('ran');\n");
  const end = await ending(tree.start([], [script]));
  assert.deepEqual(end, { code: 0, signal: null, out: "ran\n", err: "" });
});

test("without the pinned Node an old Node gets one sentence on what to do, and exit code 1", async () => {
  await using tree = await plantTree();
  const end = await ending(tree.start(oldNode, ["script.ts"]));
  assert.equal(end.code, 1);
  assert.match(end.err, /^Hustings needs Node 26, this is 20\.11\.0, and .*npm ci.*\.\n$/);
});

test("on a platform for which no Node is pinned the sentence names the platform", async () => {
  await using tree = await plantTree();
  const end = await ending(tree.start([...oldNode, ...oddPlatform], ["script.ts"]));
  assert.equal(end.code, 1);
  assert.match(end.err, /^Hustings needs Node 26, .*no Node is pinned for plan9-\w+: install .*\.\n$/);
});

test("a pinned Node that cannot be executed is named in one sentence, with exit code 1", async () => {
  await using tree = await plantTree();
  await plantNode(tree.root, "#!/nowhere/at/all\n");
  const end = await ending(tree.start([], ["script.ts"]));
  assert.equal(end.code, 1);
  assert.match(end.err, /^The pinned Node at .* does not start here: .*\.\n$/);
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  test(`${signal} reaches the script, whose own ending becomes the launcher's`, async () => {
    await using tree = await plantTree();
    await linkNode(tree.root);
    const script = join(tree.root, "script.mjs");
    await writeFile(
      script,
      `process.on("${signal}", () => process.exit(42)); setInterval(() => {}, 1e6); console.log();`,
    );
    const child = tree.start([], [script]);
    await once(child.stdout ?? assert.fail("no stdout"), "readable");
    child.kill(signal);
    assert.equal((await ending(child)).code, 42);
  });
}

test("a script that dies by a signal ends the launcher by the same signal", async () => {
  await using tree = await plantTree();
  await linkNode(tree.root);
  const script = join(tree.root, "script.mjs");
  await writeFile(script, "process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1e6);");
  const end = await ending(tree.start([], [script]));
  assert.deepEqual([end.code, end.signal], [null, "SIGTERM"]);
});

async function plantTree(): Promise<Tree> {
  const root = await mkdtemp(join(tmpdir(), "hustings-launcher-"));
  const bin = join(root, "deep/cli/bin");
  await mkdir(bin, { recursive: true });
  for (const name of ["launch.mjs", "node.mjs", "hustings.mjs"]) await copyFile(join(binFolder, name), join(bin, name));
  return {
    root,
    start: (nodeOptions, args, name = "node.mjs") =>
      spawn(process.execPath, [...nodeOptions, join(bin, name), ...args], { stdio: ["ignore", "pipe", "pipe"] }),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

async function plantNode(root: string, script: string): Promise<void> {
  const path = pinnedPath(root);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, script);
  await chmod(path, 0o755);
}

async function linkNode(root: string): Promise<void> {
  await mkdir(dirname(pinnedPath(root)), { recursive: true });
  await symlink(process.execPath, pinnedPath(root));
}

function pinnedPath(root: string): string {
  const name = process.platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node";
  return join(root, "node_modules", `${name}-${process.platform}-${process.arch}`, "bin/node");
}

async function ending(child: ChildProcess) {
  let out = "";
  let err = "";
  child.stdout?.on("data", (bytes: Buffer) => {
    out += bytes.toString();
  });
  child.stderr?.on("data", (bytes: Buffer) => {
    err += bytes.toString();
  });
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { code, signal, out, err };
}

function pretend(key: string, version: string): string {
  return `Object.defineProperty(process,"versions",{value:{...process.versions,${key}:"${version}"}})`;
}
