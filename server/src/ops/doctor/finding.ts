// The result of one check of a machine.

/** `wrong`: a server cannot run. `note`: it can, with the limit that the sentence names. */
export interface Finding {
  readonly name: string;
  readonly verdict: "ok" | "note" | "wrong";
  readonly what: string;
  /** How to mend it; absent when all is well. */
  readonly mend?: string;
}
