// Takes the link of a space from the command line, from standard input or from the environment. Everybody on a machine can
// read its list of processes, so a host link, which holds a secret, has two other ways in.

import { readSpaceLink, type SpaceLink } from "@hustings/listener/headless/space-link.ts";

/** For help texts. */
export const LINK_HELP = `link of the space; "-" reads it from standard input, without URL it is HUSTINGS_LINK`;

const MAX_LINK_CHARACTERS = 4_096;

/** Without `argument`, HUSTINGS_LINK of `environment`. Throws an Error for the person at the terminal. */
export async function takeLink(
  argument: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
  input: AsyncIterable<Uint8Array | string>,
): Promise<SpaceLink> {
  if (argument !== "-") return readSpaceLink(argument ?? environment["HUSTINGS_LINK"]);
  const line = await firstLine(input);
  if (line === "") throw new Error("There is no link on standard input.");
  return readSpaceLink(line);
}

async function firstLine(input: AsyncIterable<Uint8Array | string>): Promise<string> {
  let text = "";
  for await (const part of input) {
    text += typeof part === "string" ? part : Buffer.from(part).toString("utf8");
    if (text.trimStart().includes("\n") || text.length > MAX_LINK_CHARACTERS) break;
  }
  return (text.trimStart().split("\n")[0] ?? "").trim().slice(0, MAX_LINK_CHARACTERS);
}
