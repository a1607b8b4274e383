// Gets tickets for a space with this browser's credential, and keeps them in memory. Loaded only for people who take
// part.

import type { Clock } from "@hustings/flow/clock.ts";
import { TICKET_SECONDS } from "@hustings/wire/api/tickets.ts";
import { type ErrorCode, Refusal } from "@hustings/wire/errors.ts";
import type { PersonId, SpaceId } from "@hustings/wire/ids.ts";
import { ROUTES } from "@hustings/wire/routes.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import { requestJson } from "../request-json.ts";
import type { Store } from "./browser-store.ts";
import { hostKey, passKey } from "./credential.ts";

const RENEW_BEFORE_MS = 120_000;
/** After one of these a new ticket may be accepted. */
const STALE_TICKET: readonly ErrorCode[] = ["ticket-expired", "ticket-revoked", "ticket-invalid"];

interface Grant {
  readonly ticket: string;
  /** A guest's new pass, which replaces the stored one. */
  readonly pass?: string;
  readonly person: PersonId;
  readonly name: string;
}

/** `receivedMs` is on the monotonic clock: the person's computer and the server may disagree about the time. */
interface HeldGrant extends Grant {
  readonly receivedMs: number;
}

export interface Identity {
  /**
   * Valid for minutes. Throws Refusal: "no-ticket" without a credential; "ticket-revoked" if the host link was
   * replaced.
   */
  ticket(): Promise<string>;
  /** Runs `action` with a ticket, and once more with a new one when the server refuses the first. Throws Refusal. */
  withTicket<Result>(action: (ticket: string) => Promise<Result>): Promise<Result>;
  command(command: Command): Promise<void>;
  /** Learns whether the server still accepts the host link or pass. Throws Refusal. */
  renew(): Promise<void>;
  /** Known after the first ticket. */
  readonly person: PersonId | undefined;
  readonly name: string | undefined;
  /** The guest is the same person as in other spaces while the pass lasts. Throws Refusal. */
  introduce(name: string): Promise<void>;
  /** The old link stops working for everybody, and calls that came by it end, except `ownCall`. Returns the new one. */
  replaceHostLink(ownCall: string | undefined): Promise<string>;
}

/** So that a guest is the same person in the next space. */
const NEWEST_PASS_KEY = "hustings.pass";
/** After one of these the guest comes back as a new person. */
const DEAD_PASS: readonly string[] = ["ticket-invalid", "ticket-expired", "wrong-space"];

/** Calls `onHostLinkDead` when the server rejects the host link, which is then forgotten. */
export function identityIn(
  space: SpaceId,
  store: Store,
  clock: Clock,
  onHostLinkDead: () => void = () => undefined,
): Identity {
  let grant: HeldGrant | undefined;
  let asking: Promise<HeldGrant> | undefined;
  /** The old secret is dead before the new one is here, so no ticket is requested meanwhile. */
  let replacing: Promise<string> | undefined;
  const secret = (): string | null => store.getItem(hostKey(space));
  const pass = (): string | null => store.getItem(passKey(space));

  async function ticket(): Promise<string> {
    if (grant && clock.monotonicMs() - grant.receivedMs < TICKET_SECONDS * 1_000 - RENEW_BEFORE_MS) return grant.ticket;
    asking ??= renew().finally(() => {
      asking = undefined;
    });
    grant = await asking;
    return grant.ticket;
  }

  async function withTicket<Result>(action: (ticket: string) => Promise<Result>): Promise<Result> {
    const first = await ticket();
    try {
      return await action(first);
    } catch (error) {
      if (!(error instanceof Refusal) || !STALE_TICKET.includes(error.code)) throw error;
      if (grant?.ticket === first) grant = undefined;
      return action(await ticket());
    }
  }

  async function renew(): Promise<HeldGrant> {
    await replacing?.catch(() => undefined);
    const hostSecret = secret();
    const guestPass = pass();
    if (hostSecret === null && guestPass === null) throw new Refusal("no-ticket");
    const body = hostSecret === null ? { pass: guestPass } : { secret: hostSecret };
    const answer = requestJson<Grant>(ROUTES.tickets(space), { method: "POST", body });
    if (hostSecret === null) return received(keepPass(await answer));
    return received(await answer.catch((error: unknown) => forget(hostSecret, error)));
  }

  const received = (given: Grant): HeldGrant => ({ ...given, receivedMs: clock.monotonicMs() });

  function keepPass(given: Grant): Grant {
    if (given.pass === undefined) return given;
    store.setItem(passKey(space), given.pass);
    store.setItem(NEWEST_PASS_KEY, given.pass);
    return given;
  }

  function enter(name: string, newestPass: string | null): Promise<Grant> {
    const body = newestPass === null ? { name } : { name, pass: newestPass };
    return requestJson<Grant>(ROUTES.guests(space), { method: "POST", body });
  }

  async function replaceSecret(ticket: string, ownCall: string | undefined): Promise<string> {
    const body = ownCall === undefined ? {} : { call: ownCall };
    const request = { method: "POST", body, ticket } as const;
    const answer = await requestJson<{ secret: string; hostUrl: string }>(ROUTES.hostLink(space), request);
    store.setItem(hostKey(space), answer.secret);
    grant = undefined;
    return answer.hostUrl;
  }

  /** Forgets a rejected secret, which makes this browser a listener. */
  function forget(hostSecret: string, error: unknown): never {
    if (!(error instanceof Refusal) || (error.code !== "ticket-invalid" && error.code !== "ticket-revoked"))
      throw error;
    if (secret() === hostSecret) store.removeItem(hostKey(space));
    grant = undefined;
    onHostLinkDead();
    throw new Refusal("ticket-revoked");
  }

  return {
    get person() {
      return grant?.person;
    },
    get name() {
      return grant?.name;
    },
    ticket,
    withTicket,
    command: (command) =>
      withTicket((ticket) => requestJson(ROUTES.commands(space), { method: "POST", body: command, ticket })),
    async renew() {
      grant = undefined;
      await ticket();
    },
    async introduce(name) {
      const newestPass = store.getItem(NEWEST_PASS_KEY);
      const given = await enter(name, newestPass).catch((error: unknown) => {
        if (newestPass === null || !(error instanceof Refusal) || !DEAD_PASS.includes(error.code)) throw error;
        store.removeItem(NEWEST_PASS_KEY);
        return enter(name, null);
      });
      grant = received({ ...keepPass(given), name });
    },
    replaceHostLink(ownCall) {
      return withTicket((ticket) => {
        replacing = replaceSecret(ticket, ownCall).finally(() => {
          replacing = undefined;
        });
        return replacing;
      });
    },
  };
}
