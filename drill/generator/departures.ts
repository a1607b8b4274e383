// Listeners that have left and whose sockets are still open: closing takes time that reading needs.

export const LEAVE_MS = 100;

interface Departure {
  readonly leftMs: number;
  readonly close: () => void;
}

export class Departures {
  #departures: Departure[] = [];
  #first = 0;

  get size(): number {
    return this.#departures.length - this.#first;
  }

  add(leftMs: number, close: () => void): void {
    this.#departures.push({ leftMs, close });
  }

  /** Closes the socket that has waited longest. Returns when its listener left; `undefined`: no socket is open. */
  closeNext(): number | undefined {
    const departure = this.#departures[this.#first++];
    if (this.#first >= this.#departures.length) {
      this.#departures = [];
      this.#first = 0;
    }
    departure?.close();
    return departure?.leftMs;
  }
}

/** Departures among `surplus` listeners in a step `elapsedMs` after the last; all of them after LEAVE_MS. */
export function departuresDue(surplus: number, elapsedMs: number): number {
  return surplus <= 0 ? 0 : Math.ceil(surplus * Math.min(1, Math.max(0, elapsedMs) / LEAVE_MS));
}
