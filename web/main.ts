// Starts the app in its page.

import "./app.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { loadTranslation } from "./text/languages.ts";

async function start(target: Element): Promise<void> {
  const translation = await loadTranslation(navigator.languages);
  const { lang, dir } = translation ?? { lang: "en", dir: "ltr" };
  Object.assign(document.documentElement, { lang, dir });
  mount(App, { target, props: { translation } });
  void import("./fonts/more-letters.ts");
}

const target = document.getElementById("app");
if (target) void start(target);
