// Answers the offer of one person with a call, and executes the commands that come over it.

import type { Command } from "@hustings/wire/stage/commands.ts";
import type { PeerPort } from "../peer/peer-port.ts";
import type { Actor } from "../policy/authority.ts";
import { acceptCall, type Call, type CallOptions } from "./call.ts";
import { createSeatMessages, type SeatMessages } from "./seat-messages.ts";

export interface OfferOptions extends Pick<CallOptions, "opus" | "clock" | "onOpen"> {
  readonly peers: PeerPort;
  readonly newCallId: () => string;
  readonly execute: (actor: Actor, command: Command) => Promise<{ readonly seq: number }>;
  /** As `SeatMessagesOptions.onFailure`. */
  readonly onFailure: (cause: unknown) => void;
  /** The network that sent the offer, for its quota of peers; `undefined` for this machine. */
  readonly from: string | undefined;
}

/** Rejects as `PeerPort.accept` does. */
export async function answerOffer(actor: Actor, offerSdp: string, options: OfferOptions): Promise<Call> {
  const { peers, newCallId, opus, clock, onOpen, execute, onFailure, from } = options;
  let messages: SeatMessages | undefined;
  return acceptCall(peers, offerSdp, {
    id: newCallId(),
    generation: actor.generation,
    ...{ opus, clock, onOpen, from },
    onMessage: (call, text) => {
      messages ??= createSeatMessages({
        clock,
        // The call of a host may continue under a newer host link than the one it came by.
        execute: (command) => execute({ ...actor, generation: call.generation }, command),
        send: (message) => call.sendMessage(JSON.stringify(message)),
        onFailure,
      });
      messages.receive(text);
    },
    pendingAnswers: () => messages?.pending,
  });
}
