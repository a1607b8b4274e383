// The head of a page for clients that run no scripts: title, description, and what messengers show beside a link
// (ogp.me, Twitter cards).

import { ROUTES } from "@hustings/wire/routes.ts";
import { ENGLISH } from "./page-text.ts";

export interface HeadFacts {
  readonly documentTitle: string;
  readonly title: string;
  readonly description: string;
  /** `undefined`: not known, so there are no absolute addresses. */
  readonly origin: string | undefined;
  readonly path: string;
  /** Path of a picture of 1200 by 630 pixels; absent: the one for all pages. */
  readonly picture?: string;
}

export function headOf({
  documentTitle,
  title,
  description,
  origin,
  path,
  picture = ROUTES.picture,
}: HeadFacts): string {
  const named = [
    ["name", "description", description],
    ["property", "og:title", title],
    ["property", "og:description", description],
    ["property", "og:type", "website"],
    ["property", "og:site_name", ENGLISH.product],
    ["name", "twitter:card", origin === undefined ? "summary" : "summary_large_image"],
  ];
  if (origin !== undefined) {
    named.push(
      ["property", "og:url", origin + path],
      ["property", "og:image", origin + picture],
      ["property", "og:image:type", "image/png"],
      ["property", "og:image:width", "1200"],
      ["property", "og:image:height", "630"],
      ["property", "og:image:alt", title],
    );
  }
  const tags = named.map(
    ([kind = "", name = "", content = ""]) => `<meta ${kind}="${name}" content="${escapeHtml(content)}">`,
  );
  return [`<title>${escapeHtml(documentTitle)}</title>`, ...tags].join("\n");
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
