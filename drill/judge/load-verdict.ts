// Whether a load run is good: every listener plays, and each slot came once and undamaged.

import type { CrowdReport } from "../record/crowd-report.ts";

export interface LoadVerdict {
  readonly isGood: boolean;
  readonly text: string;
}

/** `failOnGaps` false: gaps are only reported, because other programs on the machine cause them too. */
export function judgeLoad({ counts, standing }: CrowdReport, listeners: number, failOnGaps: boolean): LoadVerdict {
  const wrongSlots = counts.skippedSlots + counts.missingSlots + counts.duplicateSlots + counts.badFrames;
  const isGood = standing.playing === listeners && wrongSlots === 0 && !(failOnGaps && counts.gaps > 0);
  const success = failOnGaps ? "nobody missed a word" : "every slot once, in order";
  const parts = [
    `${standing.playing} of ${listeners} play`,
    `${counts.checkedSlots} slots checked`,
    `${counts.gaps} gaps`,
    `${counts.skippedSlots} slots skipped`,
    `${counts.missingSlots} missing`,
    `${counts.duplicateSlots} twice`,
    `${counts.badFrames} frames damaged`,
    `${counts.reconnects} reconnects`,
  ];
  return { isGood, text: `${parts.join(" · ")}: ${isGood ? success : "NOT GOOD"}` };
}
