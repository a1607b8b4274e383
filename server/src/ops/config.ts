// Owns every setting of a server: one table, and the pure function that reads it. Refuses to read the environment, a file
// or the command line itself: they are arguments. docs/config.md is made from the table.

import {
  cadence,
  ipAddress,
  type Kind,
  networks,
  oneOf,
  reserve,
  text,
  webOrigin,
  wholeNumber,
} from "./config-kinds.ts";

/** One setting. The environment's name for `stage-port` is HUSTINGS_STAGE_PORT; a flag outranks it. */
export interface Setting<Value> {
  readonly flag: string;
  readonly kind: Kind<Value>;
  /** Empty where values have none. */
  readonly unit: string;
  /** As one would write it; `undefined`: absent unless given. */
  readonly fallback: string | undefined;
  readonly reason: string;
  /** Kept out of logs and of the process list. */
  readonly isSecret?: true;
}

const port = wholeNumber(1, 65_535);

export const SETTINGS = {
  port: given("port", port, "TCP port", "8080", "The public door: pages, listeners, the API."),
  host: given(
    "host",
    ipAddress,
    "",
    "::",
    "Address to listen on, at the door and the stage; :: is every one, IPv4 too.",
  ),
  stagePort: given(
    "stage-port",
    port,
    "TCP port",
    "8444",
    "The stage's own door, so that speakers get through while the public one is besieged.",
  ),
  udpPort: given("udp-port", port, "UDP port", "8443", "Sound of all speakers; open it in the firewall."),
  edges: given(
    "edges",
    wholeNumber(1, 256),
    "processes",
    "one per core",
    "Processes that serve listeners. One core serves tens of thousands; with 20,000 descriptors each holds 19,000.",
  ),
  cadence: given(
    "cadence",
    cadence,
    "seconds between two pushes to a listener",
    "auto",
    "By itself: the fastest that the edges can afford. A fixed one is for rehearsals, or where the audience is known.",
  ),
  reserve: given(
    "reserve",
    reserve,
    "seconds that listeners have ahead beyond the cadence's margin, at 1 s and slower",
    "auto",
    "By itself: as long as the other edges would need to take an edge's people, so that a dead edge is not heard.",
  ),
  dataDirectory: given("data", text("a path"), "", "./data", "Where spaces, keys and sockets are kept."),
  publicAddress: maybe(
    "public-address",
    ipAddress,
    "",
    "The address at which speakers reach the UDP port, where that is not one of this machine's own (NAT, containers).",
  ),
  publicUrl: maybe("public-url", webOrigin, "", "What links begin with; without it, where the request came to."),
  pullUrl: maybe(
    "pull-url",
    webOrigin,
    "",
    "A CDN that carries /hls/ of this server: newcomers for whom there is no place are shown there before the line.",
  ),
  tlsCert: maybe("tls-cert", text("a path"), "", "PEM certificate chain: the door and the stage's port speak HTTPS."),
  tlsKey: maybe("tls-key", text("a path"), "", "PEM private key of --tls-cert."),
  trustedProxies: maybe(
    "trusted-proxies",
    networks,
    "",
    "Reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed; from anyone else they are dropped.",
  ),
  turnUrl: maybe(
    "turn-url",
    text("turn: or turns: and a host, such as turn:turn.example.org:3478", /^turns?:[\w.:[\]?=-]{1,255}$/),
    "",
    "A TURN server for speakers whose network lets no UDP through.",
  ),
  turnSecret: {
    ...maybe("turn-secret", text("a text"), "", "The secret shared with it, for timed credentials."),
    isSecret: true,
  },
  deadAirSeconds: given(
    "dead-air",
    wholeNumber(2, 600),
    "seconds",
    "12",
    "After this long without a word from any seat, listeners get hold music.",
  ),
  seatSeconds: given(
    "keep-seat",
    wholeNumber(5, 3_600),
    "seconds",
    "60",
    "How long the seat of a speaker who dropped is kept.",
  ),
  maxSpaces: given(
    "max-spaces",
    wholeNumber(1, 100_000),
    "spaces",
    "200",
    "Spaces that have not ended, at once; one more is refused.",
  ),
  spaceExpiryHours: given(
    "space-expiry",
    wholeNumber(1, 8_760),
    "hours",
    "72",
    "A space that never went live is removed after this long.",
  ),
  listenersPerEdge: given(
    "listeners-per-edge",
    wholeNumber(1, 1_000_000),
    "listeners",
    "100000",
    "As far as descriptors reach; more wait in line. Each costs about 10 KiB of memory and a descriptor.",
  ),
  listenersPerAddress: maybe(
    "listeners-per-address",
    wholeNumber(1, 1_000_000),
    "listeners",
    "Of one address (IPv6: one /64) at one edge; without it an eighth of its places, 200 at least. Raise it for an office.",
  ),
  spacesPerMinute: given(
    "spaces-per-minute",
    wholeNumber(1, 100_000),
    "spaces per minute",
    "10",
    "New spaces of one address, as many at once; all addresses together may ten times as many.",
  ),
  guestsPerMinute: given(
    "guests-per-minute",
    wholeNumber(1, 1_000_000),
    "tickets per minute",
    "120",
    "Guests and tickets of one address, as many at once; all addresses together may twenty times as many.",
  ),
  aac: given(
    "aac",
    oneOf("off", "on"),
    "",
    "off",
    "HLS as AAC too, for players without Opus: one process more, which needs the program ffmpeg on the PATH.",
  ),
  stageRealtime: given(
    "stage-realtime",
    oneOf("auto", "off"),
    "",
    "auto",
    "By itself: the stage has the real-time class (SCHED_RR 1) where the system allows it. Off: niceness alone.",
  ),
  utcOffsetMs: given(
    "utc-offset-ms",
    wholeNumber(-86_400_000, 86_400_000),
    "milliseconds",
    "0",
    "For rehearsals: the server takes its clock to be wrong by this much, as after a machine came back with a bad one.",
  ),
  logLevel: given(
    "log-level",
    oneOf("debug", "info", "warn", "error"),
    "",
    "info",
    "At info only changes are told: nothing per listener, nothing per fragment.",
  ),
  logFormat: given(
    "log-format",
    oneOf("auto", "json", "lines"),
    "",
    "auto",
    "JSON, one object a line; or short lines for people. By itself: lines at a terminal, JSON elsewhere.",
  ),
} as const satisfies Record<string, Setting<unknown>>;

type Table = typeof SETTINGS;
type ValueOf<Row> = Row extends Setting<infer Value> ? Value : never;
type Given = { [Name in keyof Table]: Table[Name]["fallback"] extends string ? Name : never }[keyof Table];

/** Every setting with its value. What was not given and has no default is absent. */
export type Config = { readonly [Name in Given]: ValueOf<Table[Name]> } & {
  readonly [Name in Exclude<keyof Table, Given>]?: ValueOf<Table[Name]>;
};

/** Everything that is wrong, one sentence each. */
export class BadConfig extends Error {
  override readonly name = "BadConfig";
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join("\n"));
    this.faults = faults;
  }
}

/** What a default depends on. */
export interface ConfigMachine {
  readonly coresCount: number;
}

type Texts = Readonly<Record<string, string | undefined>>;

/**
 * The settings: a flag (by its name without dashes), else the environment's, else the default. Empty texts of the
 * environment count as absent. Throws BadConfig naming every bad one at once; an unknown flag is one of them.
 */
export function readConfig(flags: Texts, environment: Texts, machine: ConfigMachine): Config {
  const faults: string[] = [];
  const known = new Set<string>(Object.values(SETTINGS).map(({ flag }) => flag));
  for (const flag of Object.keys(flags)) if (!known.has(flag)) faults.push(`There is no setting --${flag}.`);
  const entries = Object.entries(SETTINGS).map(([name, setting]) => {
    try {
      return [name, settingValue(setting, flags, environment, machine)];
    } catch (cause) {
      faults.push((cause as Error).message);
      return [name, undefined];
    }
  });
  const config = Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Partial<Config>;
  faults.push(...contradictions(config));
  if (faults.length > 0) throw new BadConfig(faults);
  return config as Config;
}

/** The environment's name of a setting. */
export function environmentNameOf({ flag }: { readonly flag: string }): string {
  return `HUSTINGS_${flag.toUpperCase().replaceAll("-", "_")}`;
}

function settingValue(
  setting: Setting<unknown>,
  flags: Texts,
  environment: Texts,
  { coresCount }: ConfigMachine,
): unknown {
  const name = environmentNameOf(setting);
  const fallback = setting === SETTINGS.edges ? String(Math.max(1, coresCount)) : setting.fallback;
  const [source, value] =
    flags[setting.flag] !== undefined
      ? [`--${setting.flag}`, flags[setting.flag]]
      : [name, environment[name] || fallback];
  if (value === undefined) return undefined;
  try {
    return setting.kind.read(value);
  } catch (cause) {
    const shown = setting.isSecret ? "" : `, not ${JSON.stringify(value.slice(0, 80))}`;
    throw new Error(`${source} must be ${(cause as Error).message}${shown}.`, { cause });
  }
}

function contradictions(config: Partial<Config>): string[] {
  const faults: string[] = [];
  if ((config.tlsCert === undefined) !== (config.tlsKey === undefined))
    faults.push("--tls-cert and --tls-key need each other.");
  if ((config.turnUrl === undefined) !== (config.turnSecret === undefined))
    faults.push("--turn-url and --turn-secret need each other.");
  if (config.port !== undefined && config.port === config.stagePort)
    faults.push(`--port and --stage-port must differ: both are ${config.port}.`);
  return faults;
}

type SettingBase<Value> = Omit<Setting<Value>, "fallback">;

function given<Value>(
  flag: string,
  kind: Kind<Value>,
  unit: string,
  fallback: string,
  reason: string,
): SettingBase<Value> & { readonly fallback: string } {
  return { flag, kind, unit, fallback, reason };
}

function maybe<Value>(
  flag: string,
  kind: Kind<Value>,
  unit: string,
  reason: string,
): SettingBase<Value> & { readonly fallback: undefined } {
  return { flag, kind, unit, fallback: undefined, reason };
}
