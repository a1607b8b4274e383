// Puts a listener's situation into a sentence of the chosen language.

import type { PageText } from "../text/text.ts";
import { behindPhrase, waitPhrase } from "../text/times.ts";
import { type Facts, messageOf, type Situation, situationOf } from "./situation.ts";

export function sentenceOf(facts: Facts, text: PageText, situation: Situation = situationOf(facts)): string {
  const message = text.messages[messageOf(facts, situation)];
  if (typeof message === "string") return message;
  const { waiting, line, lagMs } = facts;
  const { estimateMs } = waiting ?? line;
  return message({
    position: waiting?.position ?? 1,
    queued: line.count,
    wait: estimateMs === null ? undefined : waitPhrase(estimateMs, text.times),
    behind: behindPhrase(lagMs, text.times),
  });
}
