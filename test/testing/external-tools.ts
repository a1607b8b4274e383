// Finds the programs that tests need from outside npm (Chromium, ffmpeg, ffprobe), and installs them where it can.

import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** A program, the names of its command, and its Debian package. */
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

/** Whether to do nothing, install Debian packages, or print `advice`. */
export type ToolPlan =
  | { readonly kind: "ready" }
  | { readonly kind: "install"; readonly packages: readonly string[] }
  | { readonly kind: "advise"; readonly advice: string };

/** The machine that a plan is for. `find` gives the path of the first of `commands` that exists. */
export interface Machine {
  find(commands: readonly string[]): string | undefined;
  readonly isRoot: boolean;
}

/** Decides what to do about missing tools on `machine`; installs only as root where apt-get exists. */
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

/** Installs missing tools. Throws one sentence of advice where it may not. */
export function ensureTools(): void {
  const plan = planTools(thisMachine);
  if (plan.kind === "ready") return;
  if (plan.kind === "advise") throw new Error(plan.advice);
  process.stdout.write(`Installing ${plan.packages.join(", ")} with apt-get, which the tests need.\n`);
  apt(["update"]);
  apt(["install", "-y", "--no-install-recommends", ...plan.packages]);
}

/** The path of Chromium. Throws where Chromium is not installed; `ensureTools` installs it. */
export function findChromium(): string {
  const path = thisMachine.find(chromium.commands);
  if (path === undefined) throw new Error(`none of ${chromium.commands.join(", ")} is on the PATH`);
  return path;
}

/** Flags that keep Chromium off the network and its pages running at full rate. Its sandbox cannot start as root. */
export const chromiumFlags: readonly string[] = [
  "--headless=new",
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
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
