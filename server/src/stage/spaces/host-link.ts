// The host link of one space: checks its secret, and replaces it.

import { Refusal } from "@hustings/wire/errors.ts";
import type { NamedPerson } from "@hustings/wire/log/state.ts";
import type { SpaceLog } from "../../log/port.ts";
import { matchesHostSecret } from "../policy/backstage-facts.ts";
import type { Pen } from "./pen.ts";

export interface HostLink {
  /** Returns the host of the newest link. Throws `ticket-invalid`. */
  match(secretHash: string): Promise<NamedPerson & { generation: number }>;
  /**
   * Calls `onReplaced` once the new generation is on disk. If only that can be written, the old link stays valid, but
   * not its tickets. Throws `cannot-store`.
   */
  replace(secretHash: string, onReplaced: (generation: number) => void): Promise<{ generation: number }>;
}

export function createHostLink(log: Pick<SpaceLog, "state" | "backstage">, pen: Pen): HostLink {
  let replacing: Promise<unknown> = Promise.resolve();
  return {
    async match(secretHash) {
      await replacing;
      const { host, hostLinkGeneration } = log.state();
      if (host === undefined || !matchesHostSecret(log.backstage(), secretHash)) {
        throw new Refusal("ticket-invalid", "This is not the newest host link.");
      }
      return { ...host, generation: hostLinkGeneration };
    },
    async replace(secretHash, onReplaced) {
      const replaced = replacing.then(async () => {
        const generation = pen.state.hostLinkGeneration + 1;
        await pen.write({ kind: "host-link", generation });
        onReplaced(generation);
        await pen.writeBackstage({ kind: "host-secret", secretHash, generation });
        return { generation };
      });
      replacing = replaced.catch(() => undefined);
      return replaced;
    },
  };
}
