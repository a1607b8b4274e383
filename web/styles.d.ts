// Lets TypeScript accept the import of a style sheet; the bundler loads it.

declare module "*.css" {}
