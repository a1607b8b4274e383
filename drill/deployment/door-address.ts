// The address of a deployment's public door.

export interface DoorAddress {
  /** A name or an IP address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  /** Local addresses to connect from, in rotation; absent: the system chooses. */
  readonly from?: readonly string[];
}

export function doorOf(origin: string): DoorAddress {
  const { protocol, hostname, port } = new URL(origin);
  const isTls = protocol === "https:";
  return { host: hostname.replace(/^\[|\]$/g, ""), port: port === "" ? (isTls ? 443 : 80) : Number(port), isTls };
}
