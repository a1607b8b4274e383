import assert from "node:assert/strict";
import { test } from "node:test";
import { edge, office } from "./testing/api-fixture.ts";

test("passes live, end and commands to the stage with the claims of the ticket", async (t) => {
  const { ask, open, stage } = await office(t);
  const { id, hostTicket, person } = await open();
  const bearer = { authorization: `Bearer ${hostTicket}` };
  assert.deepEqual((await ask("POST", `/api/spaces/${id}/live`, undefined, bearer)).body, { seq: 7 });
  await ask("POST", `/api/spaces/${id}/end`, {}, bearer);
  await ask("POST", `/api/spaces/${id}/commands`, { do: "mute", seat: 3, muted: true, more: 1 }, bearer);
  assert.deepEqual([...new Set(stage.commands.map(({ address }) => address))], ["203.0.113.9"]);
  const said = stage.commands.map(({ claims, command }) => [claims.person, command]);
  const mute = { do: "mute", seat: 3, muted: true };
  assert.deepEqual(said, [
    [person, { do: "live" }],
    [person, { do: "end" }],
    [person, mute],
  ]);
});

test("limits the commands of guests by address before they reach the stage, and never those of a host", async (t) => {
  const { ask, open, stage } = await office(t);
  const { id, hostTicket } = await open();
  const { ticket } = (await ask("POST", `/api/spaces/${id}/guests`, { name: "Grace" })).body;
  const press = (as: string, from: string) =>
    ask(
      "POST",
      `/api/spaces/${id}/commands`,
      { do: "hand", up: true },
      {
        ...edge,
        "x-forwarded-for": from,
        authorization: `Bearer ${as}`,
      },
    );
  const statuses: number[] = [];
  for (let n = 0; n < 300; n++) statuses.push((await press(ticket, "192.0.2.1")).status);
  const passed = statuses.filter((status) => status === 200).length;
  assert.ok(passed === 120 && stage.commands.length === passed, `${passed} passed`);
  assert.deepEqual([...new Set(statuses)], [200, 429]);
  for (let n = 0; n < 200; n++) assert.equal((await press(hostTicket, "192.0.2.1")).status, 200);
  assert.equal((await press(ticket, "192.0.2.2")).status, 200);
});

test("a command without a good ticket never reaches the stage", async (t) => {
  const { ask, open, stage } = await office(t);
  const { id } = await open();
  const other = await open();
  const codes = await Promise.all(
    [undefined, "Bearer x.y.z", `Bearer ${other.hostTicket}`].map(async (authorization) => {
      const headers = authorization === undefined ? {} : { authorization };
      return (await ask("POST", `/api/spaces/${id}/live`, undefined, headers)).body.error;
    }),
  );
  assert.deepEqual(codes, ["no-ticket", "ticket-invalid", "wrong-space"]);
  assert.deepEqual(stage.commands, []);
});
