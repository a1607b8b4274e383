// The command line: commands, help and exit codes (0 done, 1 failed, 2 wrong arguments).

import { systemClock } from "@hustings/flow/clock.ts";
import { BadConfig } from "@hustings/server/ops/config.ts";
import { version } from "./version.ts";

interface CommandFile {
  readonly usage: string;
  /** Throws an Error whose message is for the person. `signal` aborts on Ctrl-C. */
  run(args: readonly string[], signal: AbortSignal): Promise<void>;
}

interface CommandRow {
  readonly about: string;
  load(): Promise<CommandFile>;
}

const COMMANDS: Readonly<Record<string, CommandRow>> = {
  serve: { about: "run a server: stage, api and edges", load: () => import("./serve.ts") },
  restart: { about: "restart edges and api one by one, without cutting listeners", load: () => import("./restart.ts") },
  stop: { about: "stop the server of a data directory", load: () => import("./stop.ts") },
  doctor: { about: "check this machine and say how to fix it", load: () => import("./doctor.ts") },
  speak: { about: "speak a sound file on the stage of a space", load: () => import("./speak.ts") },
  listen: { about: "listen to a space in the terminal", load: () => import("./listen.ts") },
  space: { about: "list, open, end and delete spaces of a running server", load: () => import("./space-command.ts") },
  demo: { about: "a server, a speaker and two hundred listeners", load: () => import("./demo.ts") },
  drill: { about: "rehearse an evening with a crowd, faults and a report", load: () => import("./drill.ts") },
};

const HELP = `hustings: live audio for crowds of any size

${Object.entries(COMMANDS)
  .map(([name, { about }]) => `  hustings ${name.padEnd(8)} ${about}`)
  .join("\n")}

"hustings COMMAND --help" explains a command. Version ${version}.
`;

/** A server needs far less to hand its listeners over and close its logs. */
const STOP_TIMEOUT_MS = 40_000;
/** One Ctrl-C can arrive from the process group, from npm and from the launcher: signals this soon are repeats. */
const REPEATED_SIGNAL_MS = 2_000;

/** A server does not depend on anybody reading its output; other commands end when nobody does. */
const OUTLIVES_READERS = "serve";

process.removeAllListeners("warning");
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
process.exit(await main(process.argv.slice(2)));

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === "help" || name === "--help" || name === "-h") return print(HELP);
  if (name === "version" || name === "--version" || name === "-v") return print(`${version}\n`);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) return printError(`There is no command "${name}".\n\n${HELP}`, 2);
  const { usage, run } = await command.load();
  if (args.includes("--help") || args.includes("-h")) return print(`${usage}\n`);
  try {
    await run(args, untilInterrupted(name));
    return 0;
  } catch (error) {
    return printError(...sentenceOf(error, name));
  }
}

/** Aborts at SIGINT, SIGTERM or SIGHUP. A second signal, or STOP_TIMEOUT_MS, then ends the process at once. */
function untilInterrupted(command: string): AbortSignal {
  const interrupted = new AbortController();
  let firstMs = 0;
  if (command !== OUTLIVES_READERS) process.stdout.on("error", () => interrupted.abort());
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (interrupted.signal.aborted) {
        if (systemClock.monotonicMs() - firstMs > REPEATED_SIGNAL_MS) process.exit(1);
        return;
      }
      firstMs = systemClock.monotonicMs();
      interrupted.abort();
      setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref();
    });
  }
  return interrupted.signal;
}

function sentenceOf(error: unknown, name: string): [sentence: string, code: number] {
  const { message, code } = error as NodeJS.ErrnoException;
  const help = `"hustings ${name} --help" lists the options.`;
  if (error instanceof BadConfig) return [`${message}\n${help}\n`, 2];
  if (code?.startsWith("ERR_PARSE_ARGS")) return [`${message.replace(/\. .*/s, "")}. ${help}\n`, 2];
  const isOurs = error instanceof TypeError || error instanceof ReferenceError || !(error instanceof Error);
  return [`${isOurs ? ((error as Error).stack ?? String(error)) : message}\n`, 1];
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function printError(text: string, code: number): number {
  process.stderr.write(text);
  return code;
}
