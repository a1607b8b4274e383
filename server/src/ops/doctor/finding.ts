// The result of one check of a machine.

/** `wrong`: a server cannot run. `note`: it can, with the named limit. */
export interface Finding {
  readonly name: string;
  readonly verdict: "ok" | "note" | "wrong";
  readonly what: string;
  readonly mend?: string;
}
