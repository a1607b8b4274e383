// Owns where a drill's report goes: report.json, which is all of it, and report.html, which people read. Refuses to know
// what is in them.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { forecast } from "./forecast.ts";
import type { Prices } from "./options.ts";
import type { DrillRecord } from "./record.ts";
import { reportHtml } from "./report.ts";
import { judge, whatItWas } from "./verdict.ts";

/** Writes both and gives the path of the page. */
export async function writeReport(directory: string, record: DrillRecord, prices: Prices): Promise<string> {
  await mkdir(directory, { recursive: true });
  const all = { what: whatItWas(record), ...judge(record), ...record, forecast: forecast(record, prices) };
  await writeFile(join(directory, "report.json"), `${JSON.stringify(all, undefined, 1)}\n`);
  const path = join(directory, "report.html");
  await writeFile(path, reportHtml(record, prices));
  return path;
}
