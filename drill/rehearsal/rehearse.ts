// A drill from its options to its report.

import { judge } from "../judge/verdict.ts";
import { forecastSentence } from "../report/report-forecast.ts";
import { writeReport } from "../report/write-report.ts";
import type { DrillOptions } from "../scenario/drill-options.ts";
import { type Drill, holdDrill } from "./hold-drill.ts";

/** Holds the drill, writes its report and prints the result. Throws if the drill does not pass. */
export async function rehearse(drill: Drill & { readonly options: DrillOptions }): Promise<void> {
  const record = await holdDrill(drill);
  const { outDirectory, prices } = drill.options;
  const path = await writeReport(outDirectory, record, prices);
  const { passed, failures, remarks } = judge(record);
  for (const remark of remarks) process.stdout.write(`${remark}\n`);
  process.stdout.write(`${forecastSentence(record, prices)}\n`);
  process.stdout.write(`The report is ${path}\n`);
  if (!passed) throw new Error(`The drill did not pass. ${failures.join(" ")}`);
  process.stdout.write("The drill passed: no gap, no cut, no failed join beyond what the scenario allows.\n");
}
