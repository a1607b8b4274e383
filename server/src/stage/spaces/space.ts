// One space on its stage: executes commands, answers offers, and makes sound and due entries each tick.

import { type Clock, utcAt } from "@hustings/flow/clock.ts";
import type { Opus } from "@hustings/media/codec/opus.ts";
import { Refusal } from "@hustings/wire/errors.ts";
import type { PersonId, SpaceId } from "@hustings/wire/ids.ts";
import type { SeatLevel } from "@hustings/wire/log/fragment.ts";
import { roleIn } from "@hustings/wire/log/roles.ts";
import type { EndReason, NamedPerson, SpaceState, StateChange, StateEntry } from "@hustings/wire/log/state.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import type { StageMessage } from "@hustings/wire/stage/data-channel.ts";
import { FRAGMENT_PACKETS, PACKET_MS, RENDITIONS } from "@hustings/wire/units.ts";
import type { EntryRank, SpaceLog } from "../../log/port.ts";
import type { Logger } from "../../ops/logger.ts";
import { createMixdown, type Mixdown, type Position } from "../audio/mixdown.ts";
import type { CommandLimits } from "../limits/command-limits.ts";
import { createHands, type Hands } from "../limits/hands.ts";
import type { PeerPort } from "../peer/peer-port.ts";
import { type Actor, assertActor, assertHost, type Decision, decide, decideSeat, isHost } from "../policy/authority.ts";
import { anchorAfterStep } from "../policy/clock-step.ts";
import { dueEntries } from "../policy/due-entries.ts";
import { endsEmpty } from "../policy/empty-stage.ts";
import { isExpected } from "../policy/expected.ts";
import { declareMissing, type LogEnd, planResume } from "../policy/resume.ts";
import { answerOffer } from "../seats/answer-offer.ts";
import type { Call } from "../seats/call.ts";
import { createRemovedPeople, type RemovedPeople } from "../seats/removed-people.ts";
import { createSeatConnections } from "../seats/seat-connections.ts";
import { type Broadcast, createBroadcast } from "./broadcast.ts";
import { createHostLink, type HostLink } from "./host-link.ts";
import { type Pen, takePen } from "./pen.ts";

export interface SpaceDependencies {
  readonly clock: Clock;
  readonly peers: PeerPort;
  readonly opus: Opus;
  readonly logger: Logger;
  readonly commandLimits: CommandLimits;
  readonly newCallId: () => string;
  /** Time without a connected call; the host's seat is kept until the end. */
  readonly seatKeptMs: number;
  readonly silenceLimitMs: number;
  /** See policy/empty-stage.ts. */
  readonly emptyStageMs: number;
  /** Whether the state says that the space is recorded: true where the log is on a disk. */
  readonly isRecorded: boolean;
  /** Called once, when the end is on disk. */
  readonly onEnded: (id: SpaceId) => void;
  readonly canMixMore: () => boolean;
}

export interface AnsweredOffer {
  readonly callId: string;
  readonly answerSdp: string;
}

export interface CommandResult {
  /** The state entry by which the command is on disk. */
  readonly seq: number;
}

/** An end that could not be written is tried again after this long. */
const RETRY_END_MS = 60_000;
const AUDIENCE_TICKS = 1_000 / PACKET_MS;

/** Call `tick` for every tick from `firstTick`; a jump means missed ticks. No tick waits for anything. */
export class Space implements AsyncDisposable {
  readonly id: SpaceId;
  /** Listeners as edges count them. Sent to seats at most once a second. */
  audience = 0;
  readonly #log: SpaceLog;
  readonly #pen: Pen;
  readonly #dependencies: SpaceDependencies;
  readonly #mixdown: Mixdown;
  readonly #broadcast: Broadcast;
  readonly #connections = createSeatConnections();
  readonly #hostLink: HostLink;
  readonly #hands: Hands;
  readonly #removed: RemovedPeople;
  /** People whom the host silenced: at once, even if the entry cannot be written. */
  readonly #silenced = new Set<PersonId>();
  readonly #firstSlot: number;
  readonly #firstTick: number;
  #lastTick: number;
  #isStoring = true;
  #sentAudience = 0;
  /** By the ticks' clock: when somebody was last on the stage, or this stage began. */
  #occupiedMs: number;
  #hasSentLevels = false;
  #ending: Promise<CommandResult> | undefined;

  /** `log` has not ended. `settled` resolves once its first entries are on disk. */
  constructor(log: SpaceLog, firstTick: number, dependencies: SpaceDependencies) {
    const state = log.state();
    if (state.id === undefined) throw new Error("The log has no space in it.");
    this.id = state.id;
    this.#log = log;
    this.#dependencies = dependencies;
    this.#firstTick = firstTick;
    this.#lastTick = firstTick - 1;
    this.#occupiedMs = dependencies.clock.monotonicMs();
    this.#removed = createRemovedPeople(log.backstage());
    this.#mixdown = createMixdown(dependencies.opus);
    const { firstSlot, changes } = planResume(state, endOf(log), dependencies.clock.utcMs());
    this.#firstSlot = firstSlot;
    this.#pen = takePen({
      log,
      clock: dependencies.clock,
      slotNow: () => this.#position().slot,
      onEntry: (entry) => this.#applyEntry(entry),
      onFailure: (cause) => dependencies.logger.error({ space: this.id, err: cause }, "an entry could not be written"),
    });
    this.#hostLink = createHostLink(log, this.#pen);
    this.#hands = createHands(dependencies.clock);
    this.#broadcast = createBroadcast({
      opus: dependencies.opus,
      append: (rendition, slot, bytes) => log.appendSound(rendition, slot, bytes),
      onMissing: (from, to) => this.#writeAll(declareMissing(from, to), to),
    });
    this.#writeAll(changes, firstSlot);
    if (state.phase === "live") this.#broadcast.resume(firstSlot);
    log.onStorage((storing, cause) => this.#setStoring(storing, cause));
  }

  settled(): Promise<void> {
    return this.#pen.settled();
  }

  get state(): SpaceState {
    return this.#log.state();
  }

  get log(): SpaceLog {
    return this.#log;
  }

  get headSlot(): number {
    return this.#position().slot;
  }

  /** Resolves once on disk. Throws a Refusal. `address`: absent for a command over a call. */
  async execute(actor: Actor, command: Command, address?: string): Promise<CommandResult> {
    const { person } = actor;
    const role = roleIn(this.#pen.state, person);
    const standing = role === undefined ? "listener" : role === "speaker" ? "seated" : "host";
    this.#dependencies.commandLimits.take({ person, standing, address });
    const later = () => void this.#carryOut(actor, command, address).catch(() => undefined);
    if (command.do === "hand" && !this.#hands.press(person, command.up, later)) return { seq: this.state.seq };
    return this.#carryOut(actor, command, address);
  }

  async #carryOut(actor: Actor, command: Command, address: string | undefined): Promise<CommandResult> {
    const decision = decide(this.#pen.state, this.#removed, actor, command);
    if (decision.state.length === 0) {
      if (!this.#pen.hasPendingWrites) return { seq: this.state.seq };
      await this.#pen.settled();
      return this.#carryOut(actor, command, address);
    }
    this.#assertCanMix(decision);
    for (const change of decision.state) this.#hands.count(change, actor.person, address, this.#pen.state.hands);
    const rank = this.#rankOf(actor);
    const slot = this.#position().slot + 1;
    const write = () => this.#write(decision, slot, rank);
    if (command.do === "live") {
      return this.#broadcast.begin(
        slot,
        this.#connections.isAnyonePresent(this.#dependencies.clock.monotonicMs()),
        write,
      );
    }
    return command.do === "end" ? this.#endAt(slot, write) : this.#write(decision, undefined, rank);
  }

  /** Ends the space without its host's command; resolves once on disk. Throws `cannot-store`. */
  end(why: EndReason): Promise<CommandResult> {
    const slot = this.#position().slot + 1;
    return this.#endAt(slot, () => this.#write({ state: [{ kind: "ended", why }], backstage: [] }, slot));
  }

  #endAt(slot: number, write: () => Promise<CommandResult>): Promise<CommandResult> {
    this.#ending ??= this.#broadcast.end(slot, write).finally(() => {
      this.#ending = undefined;
    });
    return this.#ending;
  }

  /**
   * Seats the actor: the host without invitation; an invited person accepts by the offer; a seated person gets a second
   * call. Resolves once on disk. Throws a Refusal.
   */
  async offer(actor: Actor, offerSdp: string, from?: string): Promise<AnsweredOffer> {
    const seat = () => decideSeat(this.#pen.state, this.#removed, actor);
    this.#assertCanMix(seat());
    const call = await answerOffer(actor, offerSdp, {
      ...this.#dependencies,
      onOpen: (opened) => this.#sendSnapshot(opened, actor.person),
      execute: (as, command) => this.execute(as, command),
      onFailure: (cause) => this.#dependencies.logger.error({ space: this.id, err: cause }, "a command failed"),
      from,
    });
    try {
      await this.#write(seat(), undefined, this.#rankOf(actor));
      assertActor(this.#pen.state, actor);
      this.#connections.open(this.#pen.state, this.#dependencies.clock.monotonicMs());
      const connection = this.#connections.of(actor.person);
      if (connection === undefined) throw new Refusal("conflict", "The seat was given up in the meantime.");
      connection.attach(call);
    } catch (cause) {
      call.hangUp();
      throw cause;
    }
    return { callId: call.id, answerSdp: call.answerSdp };
  }

  /** People who are seated already may always come back. */
  #assertCanMix({ state }: Decision): void {
    if (state.some(({ kind }) => kind === "seated") && !this.#dependencies.canMixMore())
      throw new Refusal("stage-busy");
  }

  expects(actor: Actor): boolean {
    return isExpected(this.#pen.state, this.#removed, actor);
  }

  /** The seat is kept as after a dropped call. False: no such call. */
  hangUp(callId: string): boolean {
    return this.#connections.hangUp(callId);
  }

  matchHostSecret(secretHash: string): Promise<NamedPerson & { generation: number }> {
    return this.#hostLink.match(secretHash);
  }

  /** Hangs up every call by an older link, except `keptCallId`, which only its owner can name. Throws a Refusal. */
  async replaceHostSecret(actor: Actor, secretHash: string, keptCallId?: string): Promise<{ generation: number }> {
    assertHost(this.#pen.state, actor);
    return this.renewHostSecret(secretHash, keptCallId);
  }

  /** As `replaceHostSecret`, for the operator. */
  renewHostSecret(secretHash: string, keptCallId?: string): Promise<{ generation: number }> {
    return this.#hostLink.replace(secretHash, (generation) =>
      this.#connections.revokeHostLinks(generation, keptCallId),
    );
  }

  tick(tick: number, nowMs: number): void {
    const missedTicks = tick - this.#lastTick - 1;
    this.#lastTick = tick;
    if (missedTicks > 0) this.#recoverFromStall(missedTicks, nowMs);
    const state = this.#pen.state;
    this.#connections.open(state, nowMs);
    const at = this.#position();
    this.#broadcast.reachSlot(at.slot);
    const seated = this.#connections.seated(state, (person) => this.#silenced.has(person));
    const { programme } = this.#broadcast;
    if (programme !== undefined || seated.some(({ connection }) => connection.active !== undefined)) {
      const { voice, levels } = this.#mixdown.tick(tick, nowMs, at, seated, programme);
      const someonePresent = this.#connections.isAnyonePresent(nowMs);
      const elapsedMs = PACKET_MS * (missedTicks + 1);
      this.#broadcast.updateAir({ someonePresent, voice, elapsedMs }, this.#dependencies.silenceLimitMs);
      if (levels !== undefined) this.#sendLevels(at.slot, levels);
    }
    this.#writeDueEntries(nowMs);
    const step = at.packet === 0 ? anchorAfterStep(state, at.slot, utcAt(this.#dependencies.clock, nowMs)) : undefined;
    if (step !== undefined) this.#pen.writeBestEffort(step, at.slot);
    if (tick % AUDIENCE_TICKS === 0) {
      this.#sendAudience();
      this.#connections.repairState((call, person) => this.#sendSnapshot(call, person));
      this.#endIfEmpty(nowMs);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connections.closeAll();
    this.#hands.close();
    this.#broadcast.stop();
    await this.#ending?.catch(() => undefined);
    await this.#pen.settled();
    this.#mixdown[Symbol.dispose]();
  }

  #position(): Position {
    const packets = Math.max(0, this.#lastTick - this.#firstTick);
    return { slot: this.#firstSlot + Math.floor(packets / FRAGMENT_PACKETS), packet: packets % FRAGMENT_PACKETS };
  }

  /** On a full disk everybody but the host is refused first. */
  #rankOf(actor: Actor): EntryRank {
    return isHost(this.#pen.state, actor) ? "vital" : "ordinary";
  }

  /** Resolves once all is on disk. A mute takes effect now, even if it cannot be written. */
  async #write({ state, backstage }: Decision, slot?: number, rank?: EntryRank): Promise<CommandResult> {
    for (const change of state) this.#silence(change);
    const evidence = backstage.filter((change) => change.kind === "acted");
    const facts = backstage.filter((change) => change.kind !== "acted");
    if (facts.map((fact) => this.#removed.note(fact)).includes(true)) this.#sendToHost(this.#removed.message());
    const [entries] = await Promise.all([
      Promise.all(state.map((change) => this.#pen.write(change, slot, rank))),
      Promise.all(facts.map((change) => this.#pen.writeBackstage(change))),
    ]);
    const seq = entries.at(-1)?.seq ?? this.state.seq;
    for (const change of evidence) this.#pen.writeBackstage({ ...change, stateSeq: seq }).catch(() => undefined);
    return { seq };
  }

  #writeAll(changes: readonly StateChange[], slot: number): void {
    for (const change of changes) this.#pen.write(change, slot).catch(() => undefined);
  }

  #silence(change: StateChange): void {
    if (change.kind !== "left" && !(change.kind === "muted" && change.muted)) return;
    const person = this.#pen.state.seats.find(({ seat }) => seat === change.seat)?.person;
    if (person !== undefined) this.#silenced.add(person);
  }

  #sendToHost(message: StageMessage): void {
    const { host } = this.#pen.state;
    const calls = host === undefined ? [] : (this.#connections.of(host.person)?.calls ?? []);
    for (const call of calls) call.sendMessage(JSON.stringify(message));
  }

  #sendSnapshot(call: Call, person: PersonId): void {
    const seat = this.#pen.state.seats.find((one) => one.person === person)?.seat;
    if (seat === undefined) return;
    const send = (message: StageMessage) => call.sendMessage(JSON.stringify(message));
    call.missesState = !send({ kind: "snapshot", state: this.state, seat, utcMs: this.#dependencies.clock.utcMs() });
    send({ kind: "audience", audience: this.#sentAudience });
    if (person === this.state.host?.person) send(this.#removed.message());
  }

  #applyEntry(entry: StateEntry): void {
    this.#connections.sendToAll({ kind: "state", entries: [entry] });
    if (entry.kind === "muted") {
      const person = this.state.seats.find(({ seat }) => seat === entry.seat)?.person;
      if (person !== undefined) this.#silenced.delete(person);
    } else if (entry.kind === "left") {
      const person = this.#connections.closeSeat(entry.seat, entry.why === "removed" ? "removed" : "left", this.state);
      if (person !== undefined) this.#silenced.delete(person);
    } else if (entry.kind === "ended") {
      this.#connections.closeAll("ended");
      this.#broadcast.stop();
      this.#dependencies.onEnded(this.id);
    }
  }

  #writeDueEntries(nowMs: number): void {
    const changes = dueEntries(this.#pen.state, {
      presenceOf: (person) => this.#connections.presenceOf(person, nowMs),
      air: this.#broadcast.air,
      isStoring: this.#dependencies.isRecorded ? this.#isStoring : undefined,
      seatKeptMs: this.#dependencies.seatKeptMs,
    });
    for (const change of changes) this.#pen.writeBestEffort(change);
  }

  #endIfEmpty(nowMs: number): void {
    if (this.#connections.isAnyonePresent(nowMs) || this.#pen.state.phase !== "live") this.#occupiedMs = nowMs;
    const emptyForMs = nowMs - this.#occupiedMs;
    if (this.#ending || !endsEmpty(emptyForMs, this.audience, this.#dependencies.emptyStageMs)) return;
    this.#dependencies.logger.info({ space: this.id, emptyForMs }, "nobody is on this stage any more: the space ends");
    this.end("empty").catch(() => {
      this.#occupiedMs += RETRY_END_MS;
    });
  }

  #sendLevels(slot: number, levels: readonly SeatLevel[]): void {
    if (levels.length > 0 || this.#hasSentLevels) this.#connections.sendToAll({ kind: "levels", slot, levels });
    this.#hasSentLevels = levels.length > 0;
  }

  #sendAudience(): void {
    if (this.audience === this.#sentAudience) return;
    this.#sentAudience = this.audience;
    this.#connections.sendToAll({ kind: "audience", audience: this.audience });
  }

  #recoverFromStall(missedTicks: number, nowMs: number): void {
    this.#broadcast.programme?.finishWithFiller();
    this.#connections.restartSilenceTimers(nowMs - missedTicks * PACKET_MS, nowMs);
  }

  #setStoring(isStoring: boolean, cause: Error | undefined): void {
    this.#isStoring = isStoring;
    const { logger } = this.#dependencies;
    if (isStoring) logger.info({ space: this.id }, "sound is stored again");
    else logger.error({ space: this.id, err: cause }, "sound is not being stored");
  }
}

/** A crash may have cut one rendition short. */
function endOf(log: SpaceLog): LogEnd {
  const { slot } = log.heads();
  const heads = RENDITIONS.flatMap((rendition) => slot[rendition] ?? []);
  const headSlot = heads.length < RENDITIONS.length ? undefined : Math.min(...heads);
  return { headSlot, firstFreeSlot: log.firstFreeSlot() };
}
