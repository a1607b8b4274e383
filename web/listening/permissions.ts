// Decides what this person may do in a space. Components ask for a permission and never look at a role. The stage decides
// again (server/src/stage/policy/authority.ts): this only chooses which controls are shown.

import type { Role } from "@hustings/wire/log/state.ts";

export interface Permissions {
  /** Go live, end the space, and see how well listeners are served. */
  readonly runSpace: boolean;
  /** Take a seat without an invitation, and return to it. */
  readonly takeSeatUninvited: boolean;
  /** Invite listeners, withdraw an invitation and lower a hand. */
  readonly answerHands: boolean;
  /** Mute other speakers and remove them from the stage. */
  readonly manageSpeakers: boolean;
  /** Copy and replace the host link. */
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
