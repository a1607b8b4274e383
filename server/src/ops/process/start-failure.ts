// Owns the one sentence with which a start ends that could not be. Refuses to print it or to end a process.

/** The message is for the operator: what is wrong and how to mend it. */
export class StartFailure extends Error {
  override readonly name = "StartFailure";
}

/** The sentence for `error`: its own where it is a StartFailure, else `otherwise` with what the system says. */
export function startFailureOf(error: unknown, otherwise: string): StartFailure {
  if (error instanceof StartFailure) return error;
  const says = error instanceof Error ? error.message : String(error);
  return new StartFailure(`${otherwise}: ${says}.`, { cause: error });
}
