import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, Refusal } from "@hustings/wire/errors.ts";
import { guestIdFrom, type PersonId, type SpaceId } from "@hustings/wire/ids.ts";
import { foldAll, MAX_HANDS, MAX_INVITES, type SpaceState, type StateChange } from "@hustings/wire/log/state.ts";
import type { Command } from "@hustings/wire/stage/commands.ts";
import { MAX_SEATS } from "@hustings/wire/units.ts";
import fc from "fast-check";
import { type Actor, assertHost, type Decision, decide, decideSeat } from "./authority.ts";

const person = (number: number): PersonId =>
  guestIdFrom(Uint8Array.from({ length: 16 }, (_, at) => number >> (5 * at)));
const HOST = person(1);
const SPEAKER = person(2);
const INVITED = person(3);
const RAISED = person(4);
const STRANGER = person(5);
const BARRED = person(6);

const host: Actor = { person: HOST, name: "Hanna", generation: 1 };
const guest = (who: PersonId): Actor => ({ person: who, name: "Gus", generation: 0 });

type Who = "host" | "speaker" | "invited" | "raised" | "stranger" | "barred";
const ACTORS: Readonly<Record<Who, Actor>> = {
  host,
  speaker: guest(SPEAKER),
  invited: guest(INVITED),
  raised: guest(RAISED),
  stranger: guest(STRANGER),
  barred: guest(BARRED),
};

const created: readonly StateChange[] = [
  { kind: "created", id: "s" as SpaceId, title: "T", host: HOST, hostName: "Hanna", originUtcMs: 0 },
  { kind: "seated", seat: 0, person: HOST, name: "Hanna", role: "host" },
  { kind: "seated", seat: 1, person: SPEAKER, name: "Sue", role: "speaker" },
  { kind: "invited", person: INVITED, name: "Ivy" },
  { kind: "hand", person: RAISED, name: "Ron", up: true },
];

function stateOf(changes: readonly StateChange[]): SpaceState {
  return foldAll(changes.map((change, index) => ({ ...change, seq: index + 1, slot: 0, utcMs: 0 })));
}

const PHASES = {
  created: stateOf(created),
  live: stateOf([...created, { kind: "live" }]),
  ended: stateOf([...created, { kind: "live" }, { kind: "ended" }]),
} as const;

const FACTS = { barred: new Map([[BARRED, "Bart"]]) };

/** The kinds of the entries to write; the code of a refusal; "so" where the state is already as asked. */
function outcome(state: SpaceState, who: Who, command: Command): string {
  return outcomeOf(() => decide(state, FACTS, ACTORS[who], command));
}

function outcomeOf(make: () => Decision): string {
  try {
    const { state, backstage } = make();
    const kinds = [...state, ...backstage.filter(({ kind }) => kind !== "acted")].map(({ kind }) => kind);
    return kinds.length === 0 ? "so" : kinds.join(" ");
  } catch (error) {
    assert.ok(error instanceof Refusal);
    return error.code;
  }
}

type Row = readonly [Command, Readonly<Record<Who, string>>];

const all = (text: string): Record<Who, string> => ({
  host: text,
  speaker: text,
  invited: text,
  raised: text,
  stranger: text,
  barred: text,
});
const hostOnly = (text: string): Record<Who, string> => ({ ...all("host-only"), host: text });

/** The outcomes while the space is live; before that only the first row differs. */
const TABLE: readonly Row[] = [
  [{ do: "live" }, hostOnly("so")],
  [{ do: "end" }, hostOnly("ended")],
  [{ do: "title", title: "New" }, hostOnly("title")],
  [{ do: "title", title: "T" }, hostOnly("so")],
  [
    { do: "hand", up: true },
    { ...all("hand"), host: "conflict", speaker: "conflict", invited: "so", raised: "so", barred: "removed" },
  ],
  [
    { do: "hand", up: false },
    { ...all("so"), raised: "hand" },
  ],
  [{ do: "hands", open: false }, hostOnly("hands")],
  [{ do: "hands", open: true }, hostOnly("so")],
  [{ do: "lower", person: RAISED }, hostOnly("hand")],
  [{ do: "lower", person: STRANGER }, hostOnly("no-person")],
  [{ do: "invite", person: RAISED }, hostOnly("invited")],
  [{ do: "invite", person: INVITED }, hostOnly("so")],
  [{ do: "invite", person: SPEAKER }, hostOnly("conflict")],
  [{ do: "invite", person: STRANGER }, hostOnly("no-person")],
  [{ do: "invite", person: BARRED }, hostOnly("invited unbarred")],
  [{ do: "uninvite", person: INVITED }, hostOnly("uninvited")],
  [{ do: "uninvite", person: RAISED }, hostOnly("no-person")],
  [{ do: "accept" }, { ...all("not-invited"), host: "so", speaker: "so", invited: "seated", barred: "removed" }],
  [{ do: "decline" }, { ...all("not-invited"), invited: "uninvited" }],
  [{ do: "leave" }, { ...all("not-seated"), host: "left", speaker: "left" }],
  [
    { do: "mute", seat: 0, muted: false },
    { ...all("host-only"), host: "muted" },
  ],
  [
    { do: "mute", seat: 0, muted: true },
    { ...all("host-only"), host: "so" },
  ],
  [
    { do: "mute", seat: 1, muted: false },
    { ...all("host-only"), host: "self-only", speaker: "muted" },
  ],
  [
    { do: "mute", seat: 1, muted: true },
    { ...all("host-only"), host: "so", speaker: "so" },
  ],
  [{ do: "mute", seat: 7, muted: true }, all("no-person")],
  [{ do: "remove", seat: 1 }, hostOnly("left barred")],
  [{ do: "remove", seat: 0 }, hostOnly("left")],
  [{ do: "remove", seat: 7 }, hostOnly("no-person")],
];

for (const [command, expected] of TABLE) {
  for (const who of Object.keys(expected) as Who[]) {
    test(`while live, ${JSON.stringify(command)} by ${who} gives: ${expected[who]}`, () => {
      assert.equal(outcome(PHASES.live, who, command), expected[who]);
    });
  }
}

test("before going live every command has the same outcome as while live, except going live", () => {
  for (const [command, expected] of TABLE) {
    for (const who of Object.keys(expected) as Who[]) {
      const isLive = command.do === "live" && who === "host";
      assert.equal(outcome(PHASES.created, who, command), isLive ? "live" : expected[who]);
    }
  }
});

test("after the end refuses everything as ended, except the host's second end", () => {
  for (const [command] of TABLE) {
    for (const who of Object.keys(ACTORS) as Who[]) {
      const isSecondEnd = command.do === "end" && who === "host";
      assert.equal(outcome(PHASES.ended, who, command), isSecondEnd ? "so" : "ended");
    }
  }
  for (const who of Object.keys(ACTORS) as Who[]) {
    assert.equal(
      outcomeOf(() => decideSeat(PHASES.ended, FACTS, ACTORS[who])),
      "ended",
    );
  }
});

test("an offer seats the host on seat 0 and an invited person on the lowest other free seat", () => {
  const before = stateOf(created.slice(0, 1));
  assert.deepEqual(decideSeat(before, FACTS, host).state[0], {
    ...{ kind: "seated", seat: 0, person: HOST, name: "Hanna", role: "host" },
  });
  const [seated] = decideSeat(PHASES.created, FACTS, ACTORS.invited).state;
  assert.deepEqual(seated, { kind: "seated", seat: 2, person: INVITED, name: "Gus", role: "speaker" });
  const invitedFirst = stateOf([...created.slice(0, 1), { kind: "invited", person: INVITED, name: "Ivy" }]);
  assert.equal(
    outcomeOf(() => decideSeat(invitedFirst, FACTS, host)),
    "seated",
  );
  assert.deepEqual(decideSeat(invitedFirst, FACTS, ACTORS.invited).state[0], {
    ...{ kind: "seated", seat: 1, person: INVITED, name: "Gus", role: "speaker" },
  });
});

test("refuses the hand of a person whose name looks like the host's or that of another person on the stage", () => {
  const as = (name: string) =>
    outcomeOf(() => decide(PHASES.live, FACTS, { ...ACTORS.stranger, name }, { do: "hand", up: true }));
  for (const name of ["Hanna", "Hаnna", "Hanna (host)", "SUE"]) assert.equal(as(name), "name-taken", name);
  for (const name of ["Ivy", "Ron", "Hannah"]) assert.equal(as(name), "hand", name);
  const [, , ...withoutSeats] = created;
  const away = stateOf([...created.slice(0, 1), ...withoutSeats]);
  const stranger = { ...ACTORS.stranger, name: "Hanna" };
  assert.equal(
    outcomeOf(() => decide(away, FACTS, stranger, { do: "hand", up: true })),
    "name-taken",
    "also while the host is away",
  );
});

test("seats an invited person under the name that the host invited, and refuses another that looks like somebody's", () => {
  const seatedAs = (name: string, invitedAs: string) => {
    const state = stateOf([...created, { kind: "invited", person: STRANGER, name: invitedAs }]);
    return outcomeOf(() => decideSeat(state, FACTS, { ...ACTORS.stranger, name }));
  };
  assert.equal(seatedAs("Sue", "Sue"), "seated");
  assert.equal(seatedAs("Sue", "Gus"), "name-taken");
  assert.equal(seatedAs("Tom", "Gus"), "seated");
});

test("seats the host, and a person who is on the stage already, whatever their name", () => {
  assert.equal(
    outcomeOf(() => decideSeat(PHASES.live, FACTS, { ...ACTORS.speaker, name: "Hanna" })),
    "so",
  );
  const empty = stateOf(created.slice(0, 1));
  const named = stateOf([
    ...created.slice(0, 1),
    { kind: "seated", seat: 1, person: SPEAKER, name: "Hanna", role: "speaker" },
  ]);
  for (const state of [empty, named])
    assert.equal(
      outcomeOf(() => decideSeat(state, FACTS, host)),
      "seated",
    );
});

test("a full stage refuses an accepted invitation and keeps the host's seat free for the host", () => {
  const seats = Array.from({ length: MAX_SEATS - 1 }, (_, index): StateChange => {
    return { kind: "seated", seat: index + 1, person: person(100 + index), name: "S", role: "speaker" };
  });
  const state = stateOf([...created.filter(({ kind }) => kind !== "seated"), ...seats]);
  assert.equal(outcome(state, "invited", { do: "accept" }), "stage-full");
  assert.equal(
    outcomeOf(() => decideSeat(state, FACTS, host)),
    "seated",
  );
});

test("refuses a hand or an invitation beyond the limit", () => {
  const hands = Array.from({ length: MAX_HANDS }, (_, index): StateChange => {
    return { kind: "hand", person: person(30 + index), name: "H", up: true };
  });
  assert.equal(outcome(stateOf([...created, ...hands]), "stranger", { do: "hand", up: true }), "too-many-hands");
  const invites = Array.from({ length: MAX_INVITES }, (_, index): StateChange => {
    return { kind: "invited", person: person(30 + index), name: "I" };
  });
  assert.equal(outcome(stateOf([...created, ...invites]), "host", { do: "invite", person: RAISED }), "conflict");
});

test("a host invites a removed person by the name that they had on the stage", () => {
  const { state, backstage } = decide(PHASES.live, FACTS, host, { do: "invite", person: BARRED });
  assert.deepEqual(state, [{ kind: "invited", person: BARRED, name: "Bart" }]);
  assert.deepEqual(backstage[0], { kind: "unbarred", person: BARRED });
});

test("while the hands are closed nobody raises one, and hands that are up can be lowered, invited and withdrawn", () => {
  const closed = stateOf([...created, { kind: "hands", open: false }]);
  assert.equal(outcome(closed, "stranger", { do: "hand", up: true }), "hands-closed");
  assert.equal(outcome(closed, "raised", { do: "hand", up: true }), "so");
  assert.equal(outcome(closed, "raised", { do: "hand", up: false }), "hand");
  assert.equal(outcome(closed, "host", { do: "invite", person: RAISED }), "invited");
  assert.equal(outcome(closed, "host", { do: "hands", open: true }), "hands");
});

test("a mute records whether the host or the speaker did it", () => {
  const open = stateOf([...created, { kind: "muted", seat: 1, muted: false, by: "self" }]);
  const mute: Command = { do: "mute", seat: 1, muted: true };
  assert.deepEqual(decide(open, FACTS, host, mute).state, [{ kind: "muted", seat: 1, muted: true, by: "host" }]);
  assert.deepEqual(decide(open, FACTS, ACTORS.speaker, mute).state, [
    { kind: "muted", seat: 1, muted: true, by: "self" },
  ]);
});

test("keeps backstage whom a host removed, by name, and which host it was", () => {
  const { backstage } = decide(PHASES.live, FACTS, host, { do: "remove", seat: 1 });
  assert.deepEqual(backstage, [
    { kind: "barred", person: SPEAKER, name: "Sue" },
    { kind: "acted", by: HOST, what: `remove ${SPEAKER}`, stateSeq: 0 },
  ]);
});

test("a host who removes the host's own seat is not barred", () => {
  const { backstage } = decide(PHASES.live, FACTS, host, { do: "remove", seat: 0 });
  assert.deepEqual(
    backstage.map(({ kind }) => kind),
    ["acted"],
  );
});

test("derives the role from the state, wherever the ticket came from", () => {
  const byAccount: Actor = { person: HOST, name: "Hanna", generation: 0 };
  assert.deepEqual(decide(PHASES.created, FACTS, byAccount, { do: "live" }).state, [{ kind: "live" }]);
  assert.throws(() => assertHost(PHASES.created, guest(STRANGER)), { code: "host-only" });
  assert.doesNotThrow(() => assertHost(PHASES.created, host));
});

test("refuses every command by a ticket of a replaced host link or of another host", () => {
  const replaced = stateOf([...created, { kind: "host-link", generation: 2 }]);
  const cases: [Partial<Actor>, ErrorCode][] = [
    [{ generation: 1 }, "ticket-revoked"],
    [{ generation: 3 }, "ticket-invalid"],
    [{ generation: 2, person: STRANGER }, "ticket-invalid"],
  ];
  for (const [fields, code] of cases) {
    for (const [command] of TABLE) {
      assert.equal(
        outcomeOf(() => decide(replaced, FACTS, { ...host, ...fields }, command)),
        code,
      );
    }
    assert.equal(
      outcomeOf(() => decideSeat(replaced, FACTS, { ...host, ...fields })),
      code,
    );
  }
  assert.equal(
    outcomeOf(() => decide(replaced, FACTS, { ...host, generation: 2 }, { do: "live" })),
    "live",
  );
});

test("after any commands no person has two seats, no seat has two people, and only the host sits on seat 0", () => {
  const anyPerson = fc.integer({ min: 1, max: 30 }).map(person);
  const anySeat = fc.integer({ min: 0, max: MAX_SEATS - 1 });
  const anyCommand: fc.Arbitrary<Command> = fc.oneof(
    fc.constantFrom<Command>({ do: "live" }, { do: "accept" }, { do: "decline" }, { do: "leave" }),
    fc.boolean().map((up): Command => ({ do: "hand", up })),
    anyPerson.map((who): Command => ({ do: "invite", person: who })),
    anyPerson.map((who): Command => ({ do: "uninvite", person: who })),
    fc.tuple(anySeat, fc.boolean()).map(([seat, muted]): Command => ({ do: "mute", seat, muted })),
    anySeat.map((seat): Command => ({ do: "remove", seat })),
  );
  const anyAct = fc.tuple(anyPerson, anyCommand);
  fc.assert(
    fc.property(fc.array(anyAct, { maxLength: 200 }), (acts) => {
      let state = stateOf(created.slice(0, 1));
      for (const [who, command] of acts) {
        const actor = who === HOST ? host : guest(who);
        for (const make of [() => decide(state, FACTS, actor, command), () => decideSeat(state, FACTS, actor)]) {
          state = foldAll(changesOf(make, state), state);
        }
        assert.equal(new Set(state.seats.map((seat) => seat.person)).size, state.seats.length);
        assert.equal(new Set(state.seats.map(({ seat }) => seat)).size, state.seats.length);
        for (const { seat, person: sitting } of state.seats) assert.equal(seat === 0, sitting === HOST);
      }
    }),
    { numRuns: 50 },
  );
});

function changesOf(make: () => Decision, { seq }: SpaceState) {
  try {
    return make().state.map((change, index) => ({ ...change, seq: seq + index + 1, slot: 0, utcMs: 0 }));
  } catch (error) {
    assert.ok(error instanceof Refusal);
    return [];
  }
}
