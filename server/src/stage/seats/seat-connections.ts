// The connections of a space's seats, which open and close with the seats of the state.

import type { PersonId } from "@hustings/wire/ids.ts";
import type { SpaceState } from "@hustings/wire/log/state.ts";
import type { StageMessage } from "@hustings/wire/stage/data-channel.ts";
import type { SeatPresence } from "../policy/due-entries.ts";
import type { Call } from "./call.ts";
import { openSeatConnection, type SeatConnection } from "./seat-connection.ts";

export interface SeatedConnection {
  readonly connection: SeatConnection;
  /** Muted by the state, or by a mute not yet on disk. */
  readonly isMuted: boolean;
}

export interface SeatConnections {
  readonly count: number;
  of(person: PersonId): SeatConnection | undefined;
  /** A given-up seat's connection stays until `closeSeat`. */
  open(state: SpaceState, nowMs: number): void;
  seated(state: SpaceState, isSilenced: (person: PersonId) => boolean): readonly SeatedConnection[];
  isAnyonePresent(nowMs: number): boolean;
  presenceOf(person: PersonId, nowMs: number): SeatPresence;
  /** Leaves the connection of a person who has taken the seat since. Returns the person who left. */
  closeSeat(seat: number, why: "left" | "removed", state: SpaceState): PersonId | undefined;
  /** Without `why` no goodbye is sent. */
  closeAll(why?: "ended"): void;
  /** Ends calls by older host links; `keptCallId` continues under the new one. */
  revokeHostLinks(generation: number, keptCallId: string | undefined): void;
  /** False: no such call. */
  hangUp(callId: string): boolean;
  sendToAll(message: StageMessage): void;
  /** Calls `send` for each call that misses a state entry. */
  repairState(send: (call: Call, person: PersonId) => void): void;
  /** After our stall since `lastMs`, people present then are present at `nowMs`. */
  restartSilenceTimers(lastMs: number, nowMs: number): void;
}

export function createSeatConnections(): SeatConnections {
  const connections = new Map<PersonId, SeatConnection>();
  const calls = () => [...connections.values()].flatMap((connection) => connection.calls);
  return {
    get count() {
      return connections.size;
    },
    of: (person) => connections.get(person),
    open(state, nowMs) {
      for (const { person, seat } of state.seats) {
        const connection = connections.get(person);
        if (connection?.seat === seat) continue;
        connection?.hangUp("left");
        connections.set(person, openSeatConnection(person, seat, nowMs));
      }
    },
    seated: (state, isSilenced) =>
      state.seats.flatMap(({ person, muted }) => {
        const connection = connections.get(person);
        return connection === undefined ? [] : [{ connection, isMuted: muted || isSilenced(person) }];
      }),
    isAnyonePresent: (nowMs) => [...connections.values()].some((connection) => connection.isPresent(nowMs)),
    presenceOf(person, nowMs) {
      const connection = connections.get(person);
      const disconnectedSinceMs = connection?.disconnectedSinceMs(nowMs);
      const disconnectedForMs = disconnectedSinceMs === undefined ? 0 : nowMs - disconnectedSinceMs;
      return { isPresent: connection?.isPresent(nowMs) ?? false, disconnectedForMs };
    },
    closeSeat(seat, why, state) {
      const isCurrent = ({ person }: SeatConnection) =>
        state.seats.some((one) => one.seat === seat && one.person === person);
      const connection = [...connections.values()].find((one) => one.seat === seat && !isCurrent(one));
      connection?.hangUp(why);
      if (connection !== undefined) connections.delete(connection.person);
      return connection?.person;
    },
    closeAll(why) {
      for (const connection of connections.values()) connection.hangUp(why);
      connections.clear();
    },
    revokeHostLinks(generation, keptCallId) {
      for (const call of calls()) {
        if (call.generation === 0 || call.generation >= generation) continue;
        if (call.id === keptCallId) call.generation = generation;
        else call.hangUp("ticket-revoked");
      }
    },
    hangUp(callId) {
      const call = calls().find(({ id }) => id === callId);
      call?.hangUp();
      return call !== undefined;
    },
    sendToAll(message) {
      const all = calls();
      if (all.length === 0) return;
      const text = JSON.stringify(message);
      for (const call of all) {
        const isSent = call.sendMessage(text);
        if (message.kind === "state") call.missesState ||= !isSent;
      }
    },
    repairState(send) {
      for (const { person, calls } of connections.values())
        for (const call of calls) if (call.missesState) send(call, person);
    },
    restartSilenceTimers(lastMs, nowMs) {
      for (const connection of connections.values())
        if (connection.isPresent(lastMs)) for (const call of connection.calls) call.restartSilenceTimer(nowMs);
    },
  };
}
