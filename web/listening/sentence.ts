// Puts a listener's situation into a sentence of the chosen language.

import type { HearingText, PageText } from "../text/text.ts";
import { behindPhrase, waitPhrase } from "../text/times.ts";
import { type Facts, messageOf, type Situation, situationOf } from "./situation.ts";

/** Until `hearing` is loaded, its messages are only the word for the situation. */
export function sentenceOf(
  facts: Facts,
  text: PageText,
  hearing: HearingText | undefined,
  situation: Situation = situationOf(facts),
): string {
  const key = messageOf(facts, situation);
  const message = key in text.messages ? text.messages[key as keyof PageText["messages"]] : heardMessage(hearing, key);
  if (message === undefined) return `${text.states[situation]}.`;
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

function heardMessage(hearing: HearingText | undefined, key: string) {
  return hearing?.messages[key as keyof HearingText["messages"]];
}
