// Acts on pages as people do, by the names that they see: open a space, listen, raise a hand, invite, speak.

import type { Page } from "playwright-core";
import type { SpaceId } from "../../../wire/ids.ts";
import { PATIENCE_MS } from "../until.ts";
import type { OpenBrowser, PersonOptions } from "./browser.ts";

export async function press(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name, exact: true }).first().click({ timeout: PATIENCE_MS });
}

export async function sees(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name, exact: true }).first().waitFor({ timeout: PATIENCE_MS });
}

export async function reads(page: Page, text: RegExp | string): Promise<void> {
  await page.getByText(text).first().waitFor({ timeout: PATIENCE_MS });
}

export async function write(page: Page, name: string, text: string): Promise<void> {
  await page.getByRole("textbox", { name, exact: true }).first().fill(text, { timeout: PATIENCE_MS });
}

export interface Opened {
  readonly page: Page;
  readonly url: string;
  readonly id: SpaceId;
}

/** Creates a space from the home page as its host, and goes live. */
export async function openSpace(browser: OpenBrowser, doorUrl: string, title: string, name: string): Promise<Opened> {
  const { page } = await browser.person();
  await page.goto(doorUrl);
  await press(page, "Start a space");
  await write(page, "Title", title);
  await write(page, "Your name", name);
  await press(page, "Create");
  await page.waitForURL(/\/s\/[0-9a-z]{10}/, { timeout: PATIENCE_MS });
  const url = page.url().replace(/#.*/, "");
  await press(page, "Go live");
  await sees(page, "Mute");
  return { page, url, id: url.slice(-10) as SpaceId };
}

export async function listen(browser: OpenBrowser, url: string, options?: PersonOptions): Promise<Page> {
  const { page } = await browser.person(options);
  await page.goto(url);
  await press(page, "Listen");
  await sees(page, "Stop listening");
  return page;
}

/** Opens the link, listens, raises a hand, is invited by the host's page, and speaks. */
export async function joinStage(browser: OpenBrowser, host: Page, url: string, name: string): Promise<Page> {
  const { page } = await browser.person();
  await page.goto(url);
  await press(page, "Listen");
  await acceptAsked(host, page, name);
  return page;
}

/** Raises a hand on a listener's page, which then is invited by the host's page and speaks. */
export async function acceptAsked(host: Page, page: Page, name: string): Promise<void> {
  await press(page, "Ask to speak");
  await write(page, "Your name", name);
  await page.keyboard.press("Enter");
  await inviteAsker(host);
  await press(page, "Accept");
  await press(page, "Unmute");
  await sees(page, "Mute");
}

/** Invites the first person whose hand is up. The list of hands is one tap away, or open already. */
export async function inviteAsker(host: Page): Promise<void> {
  const invite = host.getByRole("button", { name: "Invite to speak", exact: true }).first();
  const hands = host.getByRole("button", { name: /hand/i }).first();
  await Promise.race([invite.waitFor({ timeout: PATIENCE_MS }), hands.waitFor({ timeout: PATIENCE_MS })]);
  if (!(await invite.isVisible())) await hands.click();
  await press(host, "Invite to speak");
}
