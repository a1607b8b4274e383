// Owns `hustings drill`: the rehearsal before an evening. Refuses to do any of it itself: it reads what is wanted, asks
// before it touches a real deployment, and puts the parts of cli/drill/ together.

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { type DrillOptions, PRICES, readOptions } from "@hustings/drill/scenario/drill-options.ts";
import { lengthSeconds, peakOf, type Scenario, scaleScenario } from "@hustings/drill/scenario/scenario.ts";
import { loadScenario } from "@hustings/drill/scenario/scenario-files.ts";
import { version } from "./version.ts";

export const usage = `hustings drill SCENARIO [--listeners N | --scale S] [--minutes M] [--out DIR]
       hustings drill agent --join URL [--source-address A,B...]
  A rehearsal with real sockets: people arrive by the scenario's curve, faults happen at their times, every slot of every
  listener is checked, and a report says what each of them would have heard. Ends with 0 when there was no gap, no cut and
  no failed join beyond what the scenario allows.
  SCENARIO           smoke, exit-storm, 2023-05-24, or the path of a file (docs/operations/drill.md says what it may say)
  --listeners        the largest audience; --scale 0.1 is a tenth of the scenario's
  --minutes          how long all of it takes
  --cadence          auto, 0.2, 0.4, 1, 2, 4 or 8 seconds between two pushes, for a server of the drill's own
  --rendition        32 or 16 kb/s
  --out              where report.html and report.json go [drill-report]
  --target URL       drill a deployment that runs, instead of a server of its own here; asks first, or --yes
  --agents N         the listeners are made by N other machines, which run "hustings drill agent"; with
                     --source-address there, from several addresses of such a machine by turns
  --control-port     where those report [8446]
  --browsers N       up to 20 real Chromiums listen too, and must agree with the model
  --edges N          edges of the drill's own server [as many as descriptors ask for]
  --tls-cert, --tls-key   PEM files: the drill's own server speaks TLS
  --audience N, --hours H, --price-gb ${PRICES.perGigabyte}, --price-core-hour ${PRICES.perCoreHour}
                     what the forecast is asked about, and counts with`;

/** Resolves when the drill passed, and throws when it did not. Ctrl-C ends it early, with a report of what there was. */
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
  if (options.target !== undefined) await agree(options, options.target, scenario);
  if (options.tls) await trust(options.tls.certPath);
  const { rehearse } = await import("@hustings/drill/rehearsal/rehearse.ts");
  await rehearse({ options, scenario, fullPeak: peakOf(file), version, signal });
}

function peakWanted({ peak, scale }: DrillOptions, file: Scenario): { peak: number } | undefined {
  if (peak !== undefined) return { peak };
  return scale === undefined ? undefined : { peak: Math.max(1, Math.round(peakOf(file) * scale)) };
}

/** Thousands of connections to somebody's server: nobody does that by a slip of the hand. */
async function agree({ isConfirmed }: DrillOptions, target: string, scenario: Scenario): Promise<void> {
  const what = `This sends up to ${peakOf(scenario).toLocaleString("en")} listeners to ${target} for ${Math.ceil(lengthSeconds(scenario) / 60)} minutes.`;
  if (isConfirmed) return void process.stdout.write(`${what}\n`);
  if (!process.stdin.isTTY) throw new Error(`${what} Say --yes if that is meant: there is nobody here to ask.`);
  const asking = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await asking.question(`${what} Is it yours, and is that meant? Type yes: `);
  asking.close();
  if (answer.trim().toLowerCase() !== "yes") throw new Error("Nothing was done.");
}

/** Trusts the self-signed certificate of the drill's own server, here and in the processes that the drill starts. */
async function trust(certPath: string): Promise<void> {
  process.env["NODE_EXTRA_CA_CERTS"] = certPath;
  setDefaultCACertificates([...getCACertificates("default"), await readFile(certPath, "utf8")]);
}
