// Decides which controls a person is shown. The stage decides again (server/src/stage/policy/authority.ts).

import type { Role } from "@hustings/wire/log/state.ts";

export interface Permissions {
  readonly runSpace: boolean;
  readonly takeSeatUninvited: boolean;
  readonly answerHands: boolean;
  readonly manageSpeakers: boolean;
  readonly shareHostLink: boolean;
}

const NONE: Permissions = {
  runSpace: false,
  takeSeatUninvited: false,
  answerHands: false,
  manageSpeakers: false,
  shareHostLink: false,
};

const BY_ROLE: Readonly<Record<Role, Permissions>> = {
  host: {
    runSpace: true,
    takeSeatUninvited: true,
    answerHands: true,
    manageSpeakers: true,
    shareHostLink: true,
  },
  cohost: NONE,
  speaker: NONE,
};

/** `undefined`: a listener, or a person whom the page does not know yet. */
export function permissionsOf(role: Role | undefined): Permissions {
  return role === undefined ? NONE : BY_ROLE[role];
}
