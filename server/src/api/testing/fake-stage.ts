// A fake stage: answers the internal routes over a Unix socket from a table, without rules.

import { createServer, type IncomingMessage } from "node:http";
import { Refusal } from "@hustings/wire/errors.ts";
import type { SpaceId } from "@hustings/wire/ids.ts";
import { EMPTY_STATE, type SpaceState } from "@hustings/wire/log/state.ts";
import type { NewSpace } from "../stage-client.ts";

export interface FakeStage extends AsyncDisposable {
  /** Every request, as "METHOD path". */
  readonly asked: string[];
  readonly spaces: Map<SpaceId, { state: SpaceState; audience: number; secretHash: string }>;
  /** Bodies of commands. */
  readonly commands: { claims: { person: string }; command: unknown; address: unknown }[];
  /** Claims of those who replaced a host link. */
  readonly replacedBy: { person: string }[];
  /** The calls that go on when a host link is replaced. */
  readonly keptCalls: (string | undefined)[];
  /** Answered instead of the next request. */
  refuseNext: Refusal | "hang" | "garbage" | undefined;
}

export async function startFakeStage(socketPath: string): Promise<FakeStage> {
  const stage: Omit<FakeStage, typeof Symbol.asyncDispose> = {
    asked: [],
    spaces: new Map(),
    commands: [],
    replacedBy: [],
    keptCalls: [],
    refuseNext: undefined,
  };
  const server = createServer(async (request, response) => {
    stage.asked.push(`${request.method} ${request.url}`);
    const instead = stage.refuseNext;
    stage.refuseNext = undefined;
    if (instead === "hang") return;
    if (instead === "garbage") return void response.end("<html>");
    try {
      if (instead !== undefined) throw instead;
      const { status, body } = answer(stage, request, await jsonOf(request));
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal("internal");
      response.writeHead(refusal.status).end(JSON.stringify(refusal.body()));
    }
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return Object.assign(stage, { [Symbol.asyncDispose]: close });
}

function answer(
  stage: Pick<FakeStage, "spaces" | "commands" | "replacedBy" | "keptCalls">,
  request: IncomingMessage,
  body: unknown,
) {
  const [, , , id, what] = (request.url ?? "").split("/") as [string, string, string, SpaceId?, string?];
  if (id === undefined && request.method === "POST") return create(stage, body as NewSpace);
  if (id === undefined) {
    return { status: 200, body: [...stage.spaces].map(([id, { state, audience }]) => ({ id, state, audience })) };
  }
  const space = stage.spaces.get(id);
  if (space === undefined) throw new Refusal("no-space");
  const { state, audience } = space;
  if (what === undefined) return { status: 200, body: { id, state, audience, headSlot: null, utcMs: 0 } };
  if (what === "commands") {
    stage.commands.push(body as FakeStage["commands"][number]);
    return { status: 200, body: { seq: 7 } };
  }
  const { secretHash, claims, keptCall } = body as {
    secretHash: string;
    claims: { person: string };
    keptCall?: string;
  };
  if (request.method === "PUT") {
    stage.keptCalls.push(keptCall);
    stage.replacedBy.push(claims);
    space.secretHash = secretHash;
    space.state = { ...state, hostLinkGeneration: state.hostLinkGeneration + 1 };
    return { status: 200, body: { generation: space.state.hostLinkGeneration } };
  }
  if (secretHash !== space.secretHash) throw new Refusal("ticket-invalid");
  return { status: 200, body: { ...state.host, generation: state.hostLinkGeneration } };
}

function create({ spaces }: Pick<FakeStage, "spaces">, { id, title, host, secretHash }: NewSpace) {
  spaces.set(id, { state: { ...EMPTY_STATE, id, title, host, seq: 1 }, audience: 0, secretHash });
  return { status: 201, body: { id } };
}

async function jsonOf(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const part of request) text += String(part);
  return text === "" ? undefined : JSON.parse(text);
}
