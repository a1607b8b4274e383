// Whether a drill passed and why not, and the line that describes the run.

import type { DrillRecord, Sample } from "../record/drill-record.ts";
import { BIN_MS, quantileMs } from "../record/histogram.ts";

export interface Verdict {
  readonly passed: boolean;
  readonly failures: readonly string[];
  readonly remarks: readonly string[];
}

/** Above this, the generators and not the server may have been late. */
const GENERATOR_LATE_MS = 400;
const FULL_SHARE = 0.99;
const OTHERS_SHARE = 0.1;

export function judge(record: DrillRecord): Verdict {
  const { counts } = record.final;
  const { allowed } = record.scenario;
  const failures: string[] = [];
  const most = Math.ceil((counts.firstSounds / 1000) * allowed.gapsPerThousand);
  if (record.isAborted) failures.push("It was ended early.");
  if (counts.firstSounds === 0) failures.push("No listener heard anything.");
  if (counts.cuts > allowed.cuts) failures.push(`${plural(counts.cuts, "listener was", "listeners were")} cut.`);
  if (counts.gaps > most)
    failures.push(`${plural(counts.gaps, "gap", "gaps")}, ${(counts.gapMs / 1000).toFixed(1)} s of silence in total.`);
  if (counts.failedJoins > allowed.failedJoins) failures.push(`${plural(counts.failedJoins, "join", "joins")} failed.`);
  const withoutPage = counts.homeRequests - counts.homePages;
  if (withoutPage > allowed.failedVisits)
    failures.push(`${plural(withoutPage, "listener who left", "listeners who left")} did not get the home page.`);
  if (counts.missingSlots > 0) failures.push(`${plural(counts.missingSlots, "slot", "slots")} never came.`);
  if (counts.badFrames > 0) failures.push(`${plural(counts.badFrames, "frame was", "frames were")} damaged.`);
  if (counts.skippedSlots > 0) failures.push(`${plural(counts.skippedSlots, "slot was", "slots were")} skipped.`);
  if (record.unexpectedDisconnects > 0 && !record.faults.some(({ kind }) => kind === "kill-stage"))
    failures.push("A speaker lost the connection to the stage.");
  if (record.browsers?.agree === false) failures.push("Real browsers and the playback model disagree.");
  if (!record.isAborted && !isFull(record)) failures.push("The audience never reached its planned size.");
  return { passed: failures.length === 0, failures, remarks: remarksOn(record) };
}

export function runDescription(record: DrillRecord): string {
  const { scenario, setting } = record;
  const where = setting.isLoopback ? "loopback" : "over the network";
  const machine = setting.generatorsHere
    ? setting.isOwnServer
      ? "listeners and server on the same machine"
      : "listeners on this machine, the deployment elsewhere"
    : "listeners on other machines";
  return [`${scenario.rendition} kb/s`, cadenceOf(record), setting.isTls ? "TLS" : "no TLS", where, machine].join(
    " · ",
  );
}

/** Whether the run ignores a real deployment's network. */
export function isRehearsal({ setting }: DrillRecord): boolean {
  return setting.isOwnServer || setting.isLoopback;
}

/** The fixed cadence, or the range that the edges chose. */
export function cadenceOf({ scenario, samples }: DrillRecord): string {
  if (scenario.cadenceMs !== "auto") return `${scenario.cadenceMs / 1000} s cadence, fixed`;
  const seen = new Set(samples.flatMap(({ byCadence }) => Object.keys(byCadence).map(Number)));
  const all = [...seen].sort((a, b) => a - b);
  if (all.length === 0) return "cadence chosen by the edges";
  const [least, most] = [all[0] as number, all.at(-1) as number];
  return least === most ? `${least / 1000} s cadence, chosen` : `${least / 1000} to ${most / 1000} s cadence, chosen`;
}

export function peakListeners({ samples }: DrillRecord): number {
  return Math.max(0, ...samples.map(({ playing }) => playing));
}

export function plural(number: number, one: string, many: string): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

function isFull(record: DrillRecord): boolean {
  const wanted = Math.max(...record.scenario.curve.map(({ people }) => people));
  return Math.max(0, ...record.samples.map(({ people }) => people)) >= Math.floor(wanted * FULL_SHARE);
}

function remarksOn(record: DrillRecord): string[] {
  const remarks: string[] = [];
  const lateMs = Math.max(0, ...record.samples.map(({ generatorLateMs }) => generatorLateMs));
  if (lateMs > GENERATOR_LATE_MS)
    remarks.push(`The generators ran up to ${Math.round(lateMs)} ms late, so some lateness is not the server's.`);
  const ticks = tickRemark(record);
  if (ticks !== undefined) remarks.push(ticks);
  const others = mean(record.samples.map((sample) => othersShare(record, sample) ?? 0));
  if (others > OTHERS_SHARE)
    remarks.push(`Other programs used ${Math.round(others * 100)} % of the machine during the drill.`);
  const left = record.faults.filter(({ isInjected }) => !isInjected).map(({ kind }) => kind);
  if (left.length > 0)
    remarks.push(`Not injected, because the drill cannot kill processes of this deployment: ${left.join(", ")}.`);
  const { queued } = record.final.counts;
  if (queued > 0)
    remarks.push(`${plural(queued, "listener", "listeners")} waited in the admission queue: every place was taken.`);
  const exit = exitRemark(record);
  if (exit !== undefined) remarks.push(exit);
  return remarks;
}

function exitRemark({ final: { counts, homeMs }, scenario: { exit }, samples }: DrillRecord): string | undefined {
  if (exit === undefined || counts.homeRequests === 0) return undefined;
  const [p50, p99] = [quantileMs(homeMs, 0.5), quantileMs(homeMs, 0.99)];
  const took = p50 === undefined ? "" : `, p50 ${shortDuration(p50)} and p99 ${shortDuration(p99)} after leaving`;
  const since = samples.filter(({ atSeconds }) => atSeconds > exit.atSeconds);
  const gaps = since.reduce((total, sample) => total + sample.gaps, 0);
  const stayed = exit.share < 1 ? ` The listeners who stayed had ${plural(gaps, "gap", "gaps")} after that.` : "";
  return `${counts.homePages.toLocaleString("en")} of ${counts.homeRequests.toLocaleString("en")} listeners who left got the home page${took}.${stayed}`;
}

/** Durations below one bin of a histogram are not told apart. */
export function shortDuration(ms: number | undefined): string {
  if (ms === undefined) return "–";
  if (ms < BIN_MS) return `less than ${BIN_MS} ms`;
  return ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** The stage's lateness beside the bare ticker's; `undefined`: the stage cannot be observed. */
function tickRemark({ tick, bareTick, samples }: DrillRecord): string | undefined {
  if (tick === undefined) return undefined;
  const shares = samples.flatMap(({ machineStolen }) => machineStolen ?? []);
  const bare = bareTick === undefined ? "" : `; a bare timer on the same machine ${bareTick.p999.toFixed(1)} ms`;
  const stolen =
    shares.length === 0
      ? ""
      : `; processor time taken by the virtual machine's host ${percent(mean(shares))}, ${percent(Math.max(...shares))} in the worst second`;
  return `Stage tick p99.9 ${tick.p999.toFixed(1)} ms${bare}${stolen}.`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function othersShare({ machine }: DrillRecord, { machineBusy, roles }: Sample): number | undefined {
  if (machineBusy === undefined) return undefined;
  const ours = Object.values(roles).reduce((total, { cores }) => total + cores, 0);
  return Math.max(0, machineBusy - ours / machine.cores);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((total, value) => total + value, 0) / values.length;
}
