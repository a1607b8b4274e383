// `hustings space`: what the operator does with the spaces of a running server.

import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { SETTINGS } from "@hustings/server/ops/config.ts";
import { shownUrl } from "@hustings/server/ops/host/server-addresses.ts";
import { type Operator, operatorOf } from "@hustings/server/ops/operator.ts";
import { hashOfSecret, hostUrlOf, newSecret } from "@hustings/server/tickets/host-secrets.ts";
import type { MeasuredSpace } from "@hustings/wire/api/space-shape.ts";
import { guestIdFrom, isSpaceId, type SpaceId, spaceIdFrom } from "@hustings/wire/ids.ts";
import { readSpaceDetails } from "@hustings/wire/log/space-details.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import { cleanName } from "@hustings/wire/text.ts";

const FALLBACK = SETTINGS.dataDirectory.fallback;

export const usage = `hustings space list|open|show|end|delete|host-link [--data DIR]
  What the operator of a server does with its spaces, while the server runs.

  hustings space list [--all] [--json]   spaces that have not ended; with --all every space, at most 1,000
  hustings space open TITLE [--name N]   open a space for somebody; prints its link and its host link
  hustings space show ID [--json]        one space
  hustings space end ID                  end a space for everyone; its recording stays
  hustings space delete ID               delete a space that is not live, and its recording, for good
  hustings space host-link ID            print a new host link; the earlier one opens nothing any more

  ID      the ten characters at the end of a space's link, or the link
  --name  the host's name [Host]
  --data  the data directory [${FALLBACK}]`;

type Values = { readonly all?: boolean; readonly json?: boolean; readonly name?: string };
type Action = (operator: Operator, subject: string | undefined, values: Values) => Promise<string>;

const ACTIONS: Readonly<Record<string, Action>> = {
  async list(operator, _subject, { all, json }) {
    const spaces = (await operator.list()).filter(({ state }) => all === true || state.phase !== "ended");
    if (json === true) return JSON.stringify(spaces.map(summaryOf));
    return spaces.length === 0 ? "There is no space." : tableOf(spaces);
  },
  async open(operator, title, { name = "Host" }) {
    const details = readSpaceDetails({ title });
    const id = spaceIdFrom(randomBytes(10));
    const secret = newSecret();
    const host = { person: guestIdFrom(randomBytes(16)), name: cleanName(name) };
    await operator.open({ id, ...details, host, secretHash: hashOfSecret(secret) });
    const origin = shownUrl(await operator.settings());
    return `The link:      ${origin}${ROUTES.page(id)}\nThe host link: ${hostUrlOf(origin, id, secret)}`;
  },
  async show(operator, subject, { json }) {
    const space = summaryOf(await operator.show(idIn(subject)));
    if (json === true) return JSON.stringify(space);
    return Object.entries(space)
      .map(([name, value]) => `${name.padEnd(14)} ${value ?? ""}`)
      .join("\n");
  },
  async end(operator, subject) {
    const id = idIn(subject);
    await operator.end(id);
    return `The space ${id} has ended.`;
  },
  async delete(operator, subject) {
    const id = idIn(subject);
    await operator.delete(id);
    return `The space ${id} and its recording are deleted.`;
  },
  async "host-link"(operator, subject) {
    const id = idIn(subject);
    const secret = newSecret();
    await operator.replaceHostLink(id, hashOfSecret(secret));
    return hostUrlOf(shownUrl(await operator.settings()), id, secret);
  },
};

/** Throws an Error for the person at the terminal. */
export async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      data: { type: "string" },
      all: { type: "boolean" },
      json: { type: "boolean" },
      name: { type: "string" },
    },
  });
  const [name = "", subject] = positionals;
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (action === undefined) throw new Error(`Say what to do with a space: ${Object.keys(ACTIONS).join(", ")}.`);
  const operator = operatorOf(resolve(values.data ?? process.env["HUSTINGS_DATA"] ?? FALLBACK));
  process.stdout.write(`${await action(operator, subject, values)}\n`);
}

function idIn(text = ""): SpaceId {
  const id = text.replace(/[?#].*$/, "").replace(/^.*\/s\//, "");
  if (!isSpaceId(id)) throw new Error(`"${text}" is not the id or the link of a space.`);
  return id;
}

function summaryOf({ id, state, audience }: MeasuredSpace) {
  const { title, phase, host, seats, originUtcMs, liveUtcMs, endedUtcMs, endReason } = state;
  return {
    id,
    title,
    phase,
    host: host?.name,
    onStage: seats.filter(({ present }) => present).length,
    listeners: audience,
    created: dateOf(originUtcMs),
    live: dateOf(liveUtcMs),
    ended: dateOf(endedUtcMs),
    endedBy: phase === "ended" ? endReason : undefined,
  };
}

function dateOf(utcMs: number | undefined): string | undefined {
  return utcMs === undefined ? undefined : new Date(utcMs).toISOString();
}

function tableOf(spaces: readonly MeasuredSpace[]): string {
  const rows = spaces.map(summaryOf).map(({ id, phase, onStage, listeners, created, title }) => {
    const counts = `${String(onStage).padStart(8)} ${String(listeners).padStart(9)}`;
    return `${id}  ${phase.padEnd(7)} ${counts}  ${created?.slice(0, 16).replace("T", " ")}  ${title}`;
  });
  return ["ID          phase   on stage listeners  created (UTC)     title", ...rows].join("\n");
}
