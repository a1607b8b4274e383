// Owns the command line's table of commands, its help and its exit codes: 0 done, 1 failed, 2 asked wrongly. Refuses to
// know what any command does; each is a file, loaded when it is asked for.

import { systemClock } from "@hustings/flow/clock.ts";
import { BadConfig } from "@hustings/server/ops/config.ts";
import { version } from "./version.ts";

/** What the file of a command exports. */
interface CommandFile {
  /** What --help prints. */
  readonly usage: string;
  /** Resolves when it is done. Throws an Error whose message is for the person. `signal`: they want to stop. */
  run(args: readonly string[], signal: AbortSignal): Promise<void>;
}

interface CommandRow {
  readonly about: string;
  load(): Promise<CommandFile>;
}

const COMMANDS: Readonly<Record<string, CommandRow>> = {
  serve: { about: "run a server: stage, api and edges", load: () => import("./serve.ts") },
  restart: { about: "start edges and api again, one by one, under listeners", load: () => import("./restart.ts") },
  stop: { about: "end the server of a data directory", load: () => import("./stop.ts") },
  doctor: { about: "find out what this machine lacks, and how to mend it", load: () => import("./doctor.ts") },
  speak: { about: "speak a sound file on the stage of a space", load: () => import("./speak.ts") },
  listen: { about: "listen to a space in the terminal", load: () => import("./listen.ts") },
  demo: { about: "a server, a speaker and two hundred listeners", load: () => import("./demo.ts") },
  drill: { about: "rehearse an evening with a crowd, faults and a report", load: () => import("./drill.ts") },
};

const HELP = `hustings: live audio for crowds of any size

${Object.entries(COMMANDS)
  .map(([name, { about }]) => `  hustings ${name.padEnd(8)} ${about}`)
  .join("\n")}

"hustings COMMAND --help" says more. Version ${version}.
`;

/** A server hands its listeners over and closes its logs in far less. */
const PATIENCE_MS = 40_000;
/**
 * One Ctrl-C or one stop of a service manager may arrive several times: from the group, from npm, from the launcher. What
 * comes this soon after the first is the first.
 */
const SAME_SIGNAL_MS = 2_000;

process.removeAllListeners("warning");
process.exit(await main(process.argv.slice(2)));

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === "help" || name === "--help" || name === "-h") return say(HELP);
  if (name === "version" || name === "--version" || name === "-v") return say(`${version}\n`);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) return complain(`There is no command "${name}".\n\n${HELP}`, 2);
  const { usage, run } = await command.load();
  if (args.includes("--help") || args.includes("-h")) return say(`${usage}\n`);
  try {
    await run(args, untilInterrupted());
    return 0;
  } catch (error) {
    return complain(...sentenceOf(error, name));
  }
}

/**
 * Aborts at the first SIGINT, SIGTERM or SIGHUP; another one later than `SAME_SIGNAL_MS`, or no end within `PATIENCE_MS`,
 * ends the process there and then.
 */
function untilInterrupted(): AbortSignal {
  const interrupted = new AbortController();
  let firstMs = 0;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (interrupted.signal.aborted) {
        if (systemClock.monotonicMs() - firstMs > SAME_SIGNAL_MS) process.exit(1);
        return;
      }
      firstMs = systemClock.monotonicMs();
      interrupted.abort();
      setTimeout(() => process.exit(1), PATIENCE_MS).unref();
    });
  }
  return interrupted.signal;
}

function sentenceOf(error: unknown, name: string): [sentence: string, code: number] {
  const { message, code } = error as NodeJS.ErrnoException;
  const help = `"hustings ${name} --help" says what it takes.`;
  if (error instanceof BadConfig) return [`${message}\n${help}\n`, 2];
  if (code?.startsWith("ERR_PARSE_ARGS")) return [`${message.replace(/\. .*/s, "")}. ${help}\n`, 2];
  const isOurs = error instanceof TypeError || error instanceof ReferenceError || !(error instanceof Error);
  return [`${isOurs ? ((error as Error).stack ?? String(error)) : message}\n`, 1];
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

function complain(text: string, code: number): number {
  process.stderr.write(text);
  return code;
}
