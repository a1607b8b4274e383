// `hustings doctor`: prints the findings of server/src/ops/doctor/checkup.ts.

import { systemClock } from "@hustings/flow/clock.ts";
import { checkMachine } from "@hustings/server/ops/doctor/checkup.ts";
import type { Finding } from "@hustings/server/ops/doctor/finding.ts";
import { usableHost } from "@hustings/server/ops/host/ports.ts";
import { readSettings } from "./options/settings.ts";

export const usage = `hustings doctor [--json] [settings of serve]
  Checks ports, UDP, disk, descriptors, clock, kernel and the programs that tests need, for a server with these settings.
  Says what is wrong and how to fix it. Exits with 1 when a server could not run.
  --json  print a JSON array`;

const MARKS: Readonly<Record<Finding["verdict"], string>> = { ok: "ok   ", note: "note ", wrong: "WRONG" };

/** Throws if a server could not run here. */
export async function run(args: readonly string[]): Promise<void> {
  const { config, switches } = readSettings(args, ["json"]);
  const host = await usableHost(config.host);
  const findings = await checkMachine({
    config: { ...config, host },
    clock: systemClock,
    path: process.env["PATH"] ?? "",
  });
  process.stdout.write(
    switches.has("json") ? `${JSON.stringify(findings, undefined, 2)}\n` : findings.map(lineOf).join(""),
  );
  const wrong = findings.filter(({ verdict }) => verdict === "wrong").length;
  if (wrong > 0)
    throw new Error(`${wrong} of ${findings.length} checks failed. Fix them before you start a server here.`);
}

function lineOf({ verdict, name, what, mend }: Finding): string {
  const line = `${MARKS[verdict]}  ${name}: ${what}\n`;
  return mend === undefined ? line : `${line}       → ${mend}\n`;
}
