// Hides findings that are listed as pending, and turns entries that nothing needs into findings. Pure.

import type { Finding } from "../reading/source.ts";

/** The findings at other paths than the `pending` ones, and one for each of these that has no finding any more. */
export function withoutPending(findings: readonly Finding[], pending: readonly string[]): Finding[] {
  const idle = pending.filter((path) => !findings.some((finding) => finding.path === path));
  return [
    ...findings.filter(({ path }) => !pending.includes(path)),
    ...idle.map((path) => ({
      path,
      line: 1,
      message: "has no finding left: delete it in test/house/shape/pending.ts",
    })),
  ];
}
