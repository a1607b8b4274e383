// Owns the compiler's word that a stylesheet may be imported for its effect. The bundler does the rest.

declare module "*.css" {}
