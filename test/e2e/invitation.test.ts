// Tests in Chromium that a host invites people by an address that they can open.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Addresses } from "../../wire/api/addresses.ts";
import { ROUTES } from "../../wire/routes.ts";
import { openBrowser } from "../testing/browser/browser.ts";
import { reads } from "../testing/browser/page-actions.ts";
import { startServer } from "../testing/running-server.ts";

const browser = await openBrowser();
after(() => browser[Symbol.asyncDispose]());

const addressesOf = async (doorUrl: string): Promise<Addresses> =>
  (await fetch(doorUrl + ROUTES.addresses)).json() as Promise<Addresses>;

test("a host on the server's own machine invites by the public URL", async () => {
  await using server = await startServer({ args: ["--public-url", "https://talk.example"] });
  assert.deepEqual(await addressesOf(server.doorUrl), { publicUrl: "https://talk.example", networkUrls: [] });
  const { hostUrl, id } = await server.create("A public evening", "Anna");
  await using person = await browser.person();
  await person.page.goto(hostUrl.replace("https://talk.example", server.doorUrl));
  await reads(person.page, `https://talk.example${ROUTES.page(id)}`);
  assert.equal(await person.page.getByText("This link opens").count(), 0);
});

test("a host on the server's own machine invites by its address on the network, or reads that nobody else can come", async () => {
  await using server = await startServer();
  const { hostUrl, url, id } = await server.create("An evening at home", "Anna");
  await using person = await browser.person();
  const { page } = person;
  await page.goto(hostUrl);
  await reads(page, url);
  await reads(page, "This link opens only on this computer.");

  const networkUrls = ["http://192.168.0.10:8080", "http://10.0.0.7:8080"];
  await page.route(`**${ROUTES.addresses}`, (route) => route.fulfill({ json: { publicUrl: null, networkUrls } }));
  await page.reload();
  await reads(page, `http://192.168.0.10:8080${ROUTES.page(id)}`);
  await reads(page, "They can listen there; to speak, they need an address with HTTPS.");
  await page.getByRole("combobox", { name: "Address on your network" }).selectOption("http://10.0.0.7:8080");
  await reads(page, `http://10.0.0.7:8080${ROUTES.page(id)}`);
});
