// Owns what an edge says to its operator: the few methods of a structured logger that it uses. Refuses to know which.

/** Fields first, then one sentence; pino fits. */
export interface EdgeLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export const SILENT: EdgeLog = { info() {}, warn() {} };
