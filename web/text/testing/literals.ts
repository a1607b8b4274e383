// Finds texts that a component writes itself instead of reading them from web/text.

import { type AST, parse } from "svelte/compiler";

/** Attributes whose value a person reads or hears. */
const SPOKEN = new Set(["aria-label", "aria-description", "aria-valuetext", "alt", "label", "placeholder", "title"]);
const LETTER = /\p{L}/u;
/** A phrase in a script: words that begin with a capital letter, or end as a sentence does. */
const PHRASE = /^\p{Lu}[\p{L}']* .*\p{L}|\p{L} .*\p{L}[.?!]$/u;

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** The literal texts in the template and the script of a component. */
export function literalsOf(source: string): string[] {
  const { fragment, instance, module } = parse(source, { modern: true }) as AST.Root;
  const scripts = [instance, module].flatMap((script) => (script ? [script.content as unknown] : []));
  return [...templateLiterals(fragment), ...scripts.flatMap((script) => scriptLiterals(script))];
}

function templateLiterals(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(templateLiterals);
  if (!isNode(node)) return [];
  if (node.type === "Text") return LETTER.test(node["data"] as string) ? [(node["data"] as string).trim()] : [];
  if (node.type === "ExpressionTag") return shownLiterals(node["expression"]);
  if (node.type === "Attribute") return SPOKEN.has(node["name"] as string) ? templateLiterals(node["value"]) : [];
  if (/Directive$|^Comment$|^Spread|^Attach/.test(node.type)) return [];
  return Object.entries(node).flatMap(([key, value]) => (key === "metadata" ? [] : templateLiterals(value)));
}

/** Literals that an expression may evaluate to. What it compares with or passes on is not shown. */
function shownLiterals(node: unknown): string[] {
  if (!isNode(node)) return [];
  const inner = (...keys: string[]) => keys.flatMap((key) => shownLiterals(node[key]));
  if (node.type === "Literal") return LETTER.test(String(node["value"])) ? [String(node["value"])] : [];
  if (node.type === "ConditionalExpression") return inner("consequent", "alternate");
  if (node.type === "LogicalExpression") return inner("left", "right");
  if (node.type === "BinaryExpression") return node["operator"] === "+" ? inner("left", "right") : [];
  if (node.type !== "TemplateLiteral") return [];
  const parts = node["quasis"] as readonly { readonly value: { readonly raw: string } }[];
  const own = parts.map(({ value }) => value.raw).filter((text) => LETTER.test(text));
  return [...own, ...(node["expressions"] as unknown[]).flatMap(shownLiterals)];
}

function scriptLiterals(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(scriptLiterals);
  if (!isNode(node)) return [];
  if (node.type === "Literal") return PHRASE.test(String(node["value"])) ? [String(node["value"])] : [];
  if (node.type === "TemplateElement") {
    const { raw } = node["value"] as { readonly raw: string };
    return PHRASE.test(raw.trim()) ? [raw.trim()] : [];
  }
  return Object.values(node).flatMap(scriptLiterals);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as Partial<Node>).type === "string";
}
