// Owns what a drill's record amounts to: whether it passed, why not, and the one line that says what the run was. Pure.

import type { DrillRecord, Sample } from "../record/drill-record.ts";
import { BIN_MS, quantileMs } from "../record/histogram.ts";

export interface Verdict {
  readonly passed: boolean;
  /** What was not as it should be, worst first; empty where it passed. */
  readonly failures: readonly string[];
  /** What a reader should know all the same. */
  readonly remarks: readonly string[];
}

/** Above this the generators themselves may have been late, and not the server. */
const GENERATOR_LATE_MS = 400;
const FULL_SHARE = 0.99;
/** Work of others that takes more of the machine than this is told. */
const OTHERS_SHARE = 0.1;

export function judge(record: DrillRecord): Verdict {
  const { counts } = record.final;
  const { allowed } = record.scenario;
  const failures: string[] = [];
  const most = Math.ceil((counts.firstSounds / 1000) * allowed.gapsPerThousand);
  if (record.isAborted) failures.push("It was ended before its time.");
  if (counts.firstSounds === 0) failures.push("Nobody heard anything.");
  if (counts.cuts > allowed.cuts) failures.push(`${plural(counts.cuts, "listener was", "listeners were")} cut.`);
  if (counts.gaps > most)
    failures.push(`${plural(counts.gaps, "gap", "gaps")}, ${(counts.gapMs / 1000).toFixed(1)} s of silence in all.`);
  if (counts.failedJoins > allowed.failedJoins) failures.push(`${plural(counts.failedJoins, "join", "joins")} failed.`);
  const pageless = counts.homeRequests - counts.homePages;
  if (pageless > allowed.failedVisits)
    failures.push(`${plural(pageless, "person who left", "people who left")} did not get the home page.`);
  if (counts.missingSlots > 0) failures.push(`${plural(counts.missingSlots, "slot", "slots")} never came.`);
  if (counts.badFrames > 0) failures.push(`${plural(counts.badFrames, "frame was", "frames were")} damaged.`);
  if (counts.skippedSlots > 0) failures.push(`${plural(counts.skippedSlots, "slot was", "slots were")} skipped.`);
  if (record.unexpectedDisconnects > 0 && !record.faults.some(({ kind }) => kind === "kill-stage"))
    failures.push("Somebody was thrown off the stage.");
  if (record.browsers?.agree === false) failures.push("Real browsers and the model do not agree.");
  if (!record.isAborted && !isFull(record)) failures.push("The audience never reached the number that was asked for.");
  return { passed: failures.length === 0, failures, remarks: remarksOn(record) };
}

/** What the run was, before anything that it measured. */
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

/** A run on one machine says nothing of a deployment. */
export function isRehearsal({ setting }: DrillRecord): boolean {
  return setting.isOwnServer || setting.isLoopback;
}

export function cadenceOf({ scenario, samples }: DrillRecord): string {
  if (scenario.cadenceMs !== "auto") return `${scenario.cadenceMs / 1000} s cadence, fixed`;
  const seen = new Set(samples.flatMap(({ byCadence }) => Object.keys(byCadence).map(Number)));
  const all = [...seen].sort((a, b) => a - b);
  if (all.length === 0) return "cadence as the edges choose";
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
    remarks.push(
      `The generators' own loops ran up to ${Math.round(lateMs)} ms late: not all lateness is the server's.`,
    );
  const beat = beatOf(record);
  if (beat !== undefined) remarks.push(beat);
  const others = mean(record.samples.map((sample) => othersShare(record, sample) ?? 0));
  if (others > OTHERS_SHARE)
    remarks.push(`Other programs took ${Math.round(others * 100)} % of the machine meanwhile.`);
  const left = record.faults.filter(({ isInjected }) => !isInjected).map(({ kind }) => kind);
  if (left.length > 0) remarks.push(`Not injected, as the processes are not the drill's to kill: ${left.join(", ")}.`);
  const { queued } = record.final.counts;
  if (queued > 0)
    remarks.push(`${plural(queued, "person", "people")} stood in the line at the door: every place was taken.`);
  const storm = exitOf(record);
  if (storm !== undefined) remarks.push(storm);
  return remarks;
}

/** What those who left found at the home page, and those who stayed heard of it. */
function exitOf({ final: { counts, homeMs }, scenario: { exit }, samples }: DrillRecord): string | undefined {
  if (exit === undefined || counts.homeRequests === 0) return undefined;
  const [p50, p99] = [quantileMs(homeMs, 0.5), quantileMs(homeMs, 0.99)];
  const took = p50 === undefined ? "" : `, p50 ${shortDuration(p50)} and p99 ${shortDuration(p99)} after they left`;
  const since = samples.filter(({ atSeconds }) => atSeconds > exit.atSeconds);
  const gaps = since.reduce((total, sample) => total + sample.gaps, 0);
  const stayed = exit.share < 1 ? ` Those who stayed had ${plural(gaps, "gap", "gaps")} from then on.` : "";
  return `${counts.homePages.toLocaleString("en")} of ${counts.homeRequests.toLocaleString("en")} who left got the home page${took}.${stayed}`;
}

/** A spread counts in steps: what is less than one is told as such. */
export function shortDuration(ms: number | undefined): string {
  if (ms === undefined) return "–";
  if (ms < BIN_MS) return `less than ${BIN_MS} ms`;
  return ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** The stage's beat, and beside it what the machine alone is late by; `undefined` where the stage cannot be seen. */
function beatOf({ tick, bareTick, samples }: DrillRecord): string | undefined {
  if (tick === undefined) return undefined;
  const shares = samples.flatMap(({ machineStolen }) => machineStolen ?? []);
  const bare =
    bareTick === undefined ? "" : `; a bare timer on this machine at the same time ${bareTick.p999.toFixed(1)} ms`;
  const stolen =
    shares.length === 0
      ? ""
      : `; processor taken away by the host ${percent(mean(shares))}, ${percent(Math.max(...shares))} in the worst second`;
  return `Stage tick p99.9 ${tick.p999.toFixed(1)} ms${bare}${stolen}.`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Of all cores, what neither server nor generators took; `undefined` where it cannot be seen. */
function othersShare({ machine }: DrillRecord, { machineBusy, roles }: Sample): number | undefined {
  if (machineBusy === undefined) return undefined;
  const ours = Object.values(roles).reduce((total, { cores }) => total + cores, 0);
  return Math.max(0, machineBusy - ours / machine.cores);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((total, value) => total + value, 0) / values.length;
}
