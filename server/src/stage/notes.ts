// Owns what the stage tells its operator through: as narrow as it needs, and as pino has it. Refuses to know where notes go.

export interface Notes {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}
