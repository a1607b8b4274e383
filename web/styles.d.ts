// Lets TypeScript accept the import of a style sheet; the bundler loads it.

declare module "*.css" {}

/** The text of the style sheet. */
declare module "*.css?inline" {
  const css: string;
  export default css;
}
