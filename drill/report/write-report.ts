// Writes a drill's report: report.json has everything, report.html is for people. Returns the page's path.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { forecast } from "../judge/forecast.ts";
import { judge, runDescription } from "../judge/verdict.ts";
import type { DrillRecord } from "../record/drill-record.ts";
import type { Prices } from "../scenario/drill-options.ts";
import { reportHtml } from "./report.ts";

export async function writeReport(directory: string, record: DrillRecord, prices: Prices): Promise<string> {
  await mkdir(directory, { recursive: true });
  const all = { what: runDescription(record), ...judge(record), ...record, forecast: forecast(record, prices) };
  await writeFile(join(directory, "report.json"), `${JSON.stringify(all, undefined, 1)}\n`);
  const path = join(directory, "report.html");
  await writeFile(path, reportHtml(record, prices));
  return path;
}
