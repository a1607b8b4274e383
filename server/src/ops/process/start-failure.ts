// The error with which a start fails: one sentence for the operator.

/** The message tells the operator what is wrong and how to mend it. */
export class StartFailure extends Error {
  override readonly name = "StartFailure";
}

/** `error` itself if it is a StartFailure, else one made of `otherwise` and the system's message. */
export function startFailureOf(error: unknown, otherwise: string): StartFailure {
  if (error instanceof StartFailure) return error;
  const says = error instanceof Error ? error.message : String(error);
  return new StartFailure(`${otherwise}: ${says}.`, { cause: error });
}
