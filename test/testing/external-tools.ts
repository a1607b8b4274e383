// Owns finding what the tests need from outside npm (Chromium, ffmpeg, ffprobe), installing it where that is possible,
// and the flags under which Chromium is started. Knows nothing of what any test does with them.

import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** A program that the tests run: the names it goes by, and Debian's package for it. */
interface Tool {
  readonly commands: readonly string[];
  readonly debianPackage: string;
}

const chromium: Tool = {
  commands: ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"],
  debianPackage: "chromium",
};
const tools: readonly Tool[] = [
  chromium,
  { commands: ["ffmpeg"], debianPackage: "ffmpeg" },
  { commands: ["ffprobe"], debianPackage: "ffmpeg" },
];
const macChromium = [
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** What is to be done about the tools: nothing, install these Debian packages, or tell the person `advice`. */
export type ToolPlan =
  | { readonly kind: "ready" }
  | { readonly kind: "install"; readonly packages: readonly string[] }
  | { readonly kind: "advise"; readonly advice: string };

/** What the plan depends on. `find` gives the path of the first of `commands` that exists. */
export interface Machine {
  find(commands: readonly string[]): string | undefined;
  readonly isRoot: boolean;
}

/** Decides what is to be done about missing tools on `machine`; installs only as root where apt-get exists. */
export function planTools(machine: Machine): ToolPlan {
  const missing = tools.filter((tool) => machine.find(tool.commands) === undefined);
  if (missing.length === 0) return { kind: "ready" };
  const packages = [...new Set(missing.map((tool) => tool.debianPackage))];
  const names = missing.map((tool) => tool.commands[0]).join(", ");
  const hasApt = machine.find(["apt-get"]) !== undefined;
  if (hasApt && machine.isRoot) return { kind: "install", packages };
  const how = hasApt
    ? `run "sudo apt-get update && sudo apt-get install -y ${packages.join(" ")}"`
    : `install ${packages.join(" and ")} so that they are on the PATH`;
  return { kind: "advise", advice: `The tests need ${names}: ${how}.` };
}

/** Makes sure that every tool is there, installing it if it may. Throws one sentence of advice where it cannot. */
export function ensureTools(): void {
  const plan = planTools(thisMachine);
  if (plan.kind === "ready") return;
  if (plan.kind === "advise") throw new Error(plan.advice);
  process.stdout.write(`Installing ${plan.packages.join(", ")} with apt-get, which the tests need.\n`);
  apt(["update"]);
  apt(["install", "-y", "--no-install-recommends", ...plan.packages]);
}

/** The path of the Chromium that browser tests start. Throws where there is none: `ensureTools` comes first. */
export function findChromium(): string {
  const path = thisMachine.find(chromium.commands);
  if (path === undefined) throw new Error(`none of ${chromium.commands.join(", ")} is on the PATH`);
  return path;
}

/** Flags that keep Chromium quiet and on loopback. As root its sandbox cannot start, so there it is left out. */
export const chromiumFlags: readonly string[] = [
  "--headless=new",
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const thisMachine: Machine = {
  isRoot: process.getuid?.() === 0,
  find(commands) {
    const folders = (process.env["PATH"] ?? "").split(delimiter);
    const paths = commands.flatMap((command) => folders.map((folder) => join(folder, command)));
    return [...paths, ...(commands === chromium.commands ? macChromium : [])].find(isExecutable);
  },
};

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function apt(args: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status, stdout, stderr, error } = spawnSync("apt-get", ["-q", ...args], { env, encoding: "utf8" });
  if (status === 0) return;
  const output = `${stdout ?? ""}${stderr ?? ""}`;
  throw new Error(`"apt-get ${args.join(" ")}" failed:\n${output || error?.message}`, { cause: error });
}
