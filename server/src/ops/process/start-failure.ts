// The error with which a start fails: one sentence for the operator.

export class StartFailure extends Error {
  override readonly name = "StartFailure";
}

/** Made of `otherwise` and the system's message unless it is a StartFailure. */
export function startFailureOf(error: unknown, otherwise: string): StartFailure {
  if (error instanceof StartFailure) return error;
  const says = error instanceof Error ? error.message : String(error);
  return new StartFailure(`${otherwise}: ${says}.`, { cause: error });
}
