// `hustings drill`: reads the options, asks before it touches a running deployment, and rehearses.

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { type DrillOptions, PRICES, readOptions } from "@hustings/drill/scenario/drill-options.ts";
import { lengthSeconds, peakOf, type Scenario, scaleScenario } from "@hustings/drill/scenario/scenario.ts";
import { loadScenario } from "@hustings/drill/scenario/scenario-files.ts";
import { systemClock } from "@hustings/flow/clock.ts";
import { version } from "./version.ts";

export const usage = `hustings drill SCENARIO [--listeners N | --scale S] [--minutes M] [--out DIR]
       hustings drill agent --join URL [--source-address A,B...]
  Rehearses an evening with real sockets: listeners arrive along the scenario's curve, faults happen at their times, every
  slot of every listener is checked, and a report shows what each of them would have heard. Exits with 0 when there was no
  gap, no cut and no failed join beyond what the scenario allows.
  SCENARIO           smoke, exit-storm, 2023-05-24, or the path of a file (format: docs/operations/drill.md)
  --listeners        the largest audience; --scale 0.1 is a tenth of the scenario's
  --minutes          length of the drill
  --cadence          auto, 0.2, 0.4, 1, 2, 4 or 8 seconds between two pushes, for the drill's own server
  --rendition        32 or 16 kb/s
  --out              directory for report.html and report.json [drill-report]
  --target URL       drill a running deployment instead of an own server; asks first, unless --yes is given
  --agents N         N other machines run the listeners, each with "hustings drill agent"; with --source-address there,
                     connections use several addresses of the machine in rotation
  --control-port     port to which agents connect [8446]
  --browsers N       up to 20 Chromium pages listen as well and must agree with the playback model
  --edges N          edges of the drill's own server [as many as the number of descriptors requires]
  --tls-cert, --tls-key   PEM files: the drill's own server uses TLS
  --audience N, --hours H, --price-gb ${PRICES.perGigabyte}, --price-core-hour ${PRICES.perCoreHour}
                     assumptions of the forecast`;

/** Throws if the drill does not pass. Ctrl-C ends it early, with a report. */
export async function run(args: readonly string[], signal: AbortSignal): Promise<void> {
  if (args[0] === "agent") {
    const { runAgent } = await import("@hustings/drill/crowd/agent.ts");
    return runAgent(args.slice(1), signal);
  }
  const options = readOptions(args);
  const file = await loadScenario(options.scenario);
  const scenario = scaleScenario(
    {
      ...file,
      ...(options.rendition === undefined ? {} : { rendition: options.rendition }),
      ...(options.target !== undefined ? { cadenceMs: "auto" } : {}),
      ...(options.cadenceMs === undefined ? {} : { cadenceMs: options.cadenceMs }),
    },
    {
      ...(peakWanted(options, file) ?? {}),
      ...(options.minutes === undefined ? {} : { minutes: options.minutes }),
    },
  );
  if (options.target !== undefined) await confirmTarget(options, options.target, scenario);
  if (options.tls) await trust(options.tls.certPath);
  const { rehearse } = await import("@hustings/drill/rehearsal/rehearse.ts");
  await rehearse({ options, scenario, fullPeak: peakOf(file), version, clock: systemClock, signal });
}

function peakWanted({ peak, scale }: DrillOptions, file: Scenario): { peak: number } | undefined {
  if (peak !== undefined) return { peak };
  return scale === undefined ? undefined : { peak: Math.max(1, Math.round(peakOf(file) * scale)) };
}

/** Throws unless the answer is yes. */
async function confirmTarget({ isConfirmed }: DrillOptions, target: string, scenario: Scenario): Promise<void> {
  const effect = `This sends up to ${peakOf(scenario).toLocaleString("en")} listeners to ${target} for ${Math.ceil(lengthSeconds(scenario) / 60)} minutes.`;
  if (isConfirmed) return void process.stdout.write(`${effect}\n`);
  if (!process.stdin.isTTY) throw new Error(`${effect} Give --yes to confirm: there is no terminal to ask at.`);
  const asking = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await asking.question(`${effect} Is it your deployment? Type yes to continue: `);
  asking.close();
  if (answer.trim().toLowerCase() !== "yes") throw new Error("Nothing was done.");
}

async function trust(certPath: string): Promise<void> {
  process.env["NODE_EXTRA_CA_CERTS"] = certPath;
  setDefaultCACertificates([...getCACertificates("default"), await readFile(certPath, "utf8")]);
}
