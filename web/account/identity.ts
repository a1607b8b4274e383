// Keeps this browser's host secret or guest pass in localStorage, and gets tickets with it, which stay in memory.

import type { Clock } from "@hustings/flow/clock.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { PersonId, SpaceId } from "@hustings/wire/ids.ts";
import { HOST_SECRET_PREFIX, ROUTES } from "@hustings/wire/routes.ts";
import { requestJson } from "../request-json.ts";

const RENEW_BEFORE_MS = 120_000;

interface Grant {
  readonly ticket: string;
  /** A guest's new pass, which replaces the stored one. */
  readonly pass?: string;
  readonly person: PersonId;
  readonly name: string;
  readonly expiresUtcMs: number;
}

export interface Identity {
  /** `undefined` until this browser has a host link or took part by name. */
  readonly credential: "host-link" | "pass" | undefined;
  /** Throws Refusal: "no-ticket" without a credential; "ticket-revoked" if the host link was replaced. */
  ticket(): Promise<string>;
  /** Known after the first ticket. */
  readonly person: PersonId | undefined;
  readonly name: string | undefined;
  /** The guest is the same person as in other spaces while the pass lasts. Throws Refusal. */
  introduce(name: string): Promise<void>;
  hostUrl(): string | undefined;
  /** The old link stops working for everybody, and calls that came by it end, except `ownCall`. */
  replaceHostLink(ownCall: string | undefined): Promise<string>;
}

/** Moves a host secret from the address to the store, so that nobody sees or shares it by accident. */
export function adoptHostLink(space: SpaceId, location: Location, history: History, store: Storage): void {
  const fragment = location.hash.slice(1);
  if (!fragment.startsWith(HOST_SECRET_PREFIX)) return;
  store.setItem(hostKey(space), fragment.slice(HOST_SECRET_PREFIX.length));
  history.replaceState(history.state, "", location.pathname + location.search);
}

export function rememberHost(space: SpaceId, secret: string, store: Storage): void {
  store.setItem(hostKey(space), secret);
}

const hostKey = (space: SpaceId): string => `hustings.host.${space}`;
const passKey = (space: SpaceId): string => `hustings.pass.${space}`;
/** So that a guest is the same person in the next space. */
const NEWEST_PASS_KEY = "hustings.pass";
/** After one of these the guest comes back as a new person. */
const DEAD_PASS: readonly string[] = ["ticket-invalid", "ticket-expired", "wrong-space"];

export function identityIn(space: SpaceId, store: Storage, clock: Clock): Identity {
  let grant: Grant | undefined;
  let asking: Promise<Grant> | undefined;
  const secret = (): string | null => store.getItem(hostKey(space));
  const pass = (): string | null => store.getItem(passKey(space));

  async function renew(): Promise<Grant> {
    const hostSecret = secret();
    const guestPass = pass();
    if (hostSecret === null && guestPass === null) throw new Refusal("no-ticket");
    const body = hostSecret === null ? { pass: guestPass } : { secret: hostSecret };
    const answer = requestJson<Grant>(ROUTES.tickets(space), { method: "POST", body });
    return hostSecret === null ? keepPass(await answer) : answer.catch((error: unknown) => forget(hostSecret, error));
  }

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

  /** Forgets a rejected secret, which makes this browser a listener. */
  function forget(hostSecret: string, error: unknown): never {
    if (!(error instanceof Refusal) || (error.code !== "ticket-invalid" && error.code !== "ticket-revoked"))
      throw error;
    if (secret() === hostSecret) store.removeItem(hostKey(space));
    throw new Refusal("ticket-revoked");
  }

  return {
    get credential() {
      if (secret() !== null) return "host-link";
      return pass() === null ? undefined : "pass";
    },
    get person() {
      return grant?.person;
    },
    get name() {
      return grant?.name;
    },
    async ticket() {
      if (grant && grant.expiresUtcMs - clock.utcMs() > RENEW_BEFORE_MS) return grant.ticket;
      asking ??= renew().finally(() => {
        asking = undefined;
      });
      grant = await asking;
      return grant.ticket;
    },
    async introduce(name) {
      const newestPass = store.getItem(NEWEST_PASS_KEY);
      const given = await enter(name, newestPass).catch((error: unknown) => {
        if (newestPass === null || !(error instanceof Refusal) || !DEAD_PASS.includes(error.code)) throw error;
        store.removeItem(NEWEST_PASS_KEY);
        return enter(name, null);
      });
      grant = { ...keepPass(given), name };
    },
    hostUrl() {
      const hostSecret = secret();
      return hostSecret === null
        ? undefined
        : `${location.origin}${ROUTES.page(space)}#${HOST_SECRET_PREFIX}${hostSecret}`;
    },
    async replaceHostLink(ownCall) {
      const ticket = grant?.ticket ?? (await renew()).ticket;
      const answer = await requestJson<{ secret: string; hostUrl: string }>(ROUTES.hostLink(space), {
        method: "POST",
        body: ownCall === undefined ? {} : { call: ownCall },
        ticket,
      });
      store.setItem(hostKey(space), answer.secret);
      grant = undefined;
      return answer.hostUrl;
    },
  };
}
