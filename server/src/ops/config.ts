// Every setting of a server in one table, which docs/config.md is generated from, and the function that reads them.

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

/** For `stage-port` the variable is HUSTINGS_STAGE_PORT; a flag outranks it. */
export interface Setting<Value> {
  readonly flag: string;
  readonly kind: Kind<Value>;
  readonly unit: string;
  /** As a person would write it; `undefined`: absent unless given. */
  readonly fallback: string | undefined;
  readonly reason: string;
  /** Kept out of logs and process lists. */
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
    "Address to listen on, for the public door and the stage; :: means every address, IPv4 included.",
  ),
  stagePort: given(
    "stage-port",
    port,
    "TCP port",
    "8444",
    "The stage's own port, so that speakers get through while the public door is overloaded.",
  ),
  udpPort: given("udp-port", port, "UDP port", "8443", "Sound of all speakers. Open it in the firewall."),
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
    "auto: the fastest that the edges can afford. Fix it for rehearsals, or when you know the size of the audience.",
  ),
  reserve: given(
    "reserve",
    reserve,
    "seconds that listeners buffer beyond the margin of the cadence, at cadences of 1 s and slower",
    "auto",
    "auto: as long as the other edges need to take over a dead edge's listeners, so that nobody hears it die.",
  ),
  dataDirectory: given("data", text("a path"), "", "./data", "Directory for spaces, keys and sockets."),
  publicAddress: maybe(
    "public-address",
    ipAddress,
    "",
    "The address at which speakers reach the UDP port, when it is not an address of this machine (NAT, containers).",
  ),
  publicUrl: maybe(
    "public-url",
    webOrigin,
    "",
    "The start of every link; without it, the address to which the request came.",
  ),
  pullUrl: maybe(
    "pull-url",
    webOrigin,
    "",
    "A CDN in front of this server's /hls/: when the server is full, newcomers are sent there before they have to queue.",
  ),
  tlsCert: maybe(
    "tls-cert",
    text("a path"),
    "",
    "PEM certificate chain; with it the public door and the stage's port use HTTPS.",
  ),
  tlsKey: maybe("tls-key", text("a path"), "", "PEM private key of --tls-cert."),
  trustedProxies: maybe(
    "trusted-proxies",
    networks,
    "",
    "Reverse proxies whose X-Forwarded-For, X-Forwarded-Proto and Forwarded are trusted; from anyone else they are dropped.",
  ),
  turnUrl: maybe(
    "turn-url",
    text("turn: or turns: and a host, such as turn:turn.example.org:3478", /^turns?:[\w.:[\]?=-]{1,255}$/),
    "",
    "A TURN server for speakers whose network blocks UDP.",
  ),
  turnSecret: {
    ...maybe("turn-secret", text("a text"), "", "The secret shared with the TURN server, for credentials that expire."),
    isSecret: true,
  },
  deadAirSeconds: given(
    "dead-air",
    wholeNumber(2, 600),
    "seconds",
    "12",
    "Listeners get hold music after this long without a voice from any seat.",
  ),
  seatSeconds: given(
    "keep-seat",
    wholeNumber(5, 3_600),
    "seconds",
    "60",
    "How long a seat is kept for a speaker whose connection dropped.",
  ),
  maxSpaces: given(
    "max-spaces",
    wholeNumber(1, 100_000),
    "spaces",
    "200",
    "Maximum spaces that have not ended; further ones are refused.",
  ),
  spaceExpiryHours: given(
    "space-expiry",
    wholeNumber(1, 8_760),
    "hours",
    "72",
    "A space that never went live is removed after this long.",
  ),
  emptyStageMinutes: given(
    "empty-stage",
    wholeNumber(1, 10_080),
    "minutes",
    "60",
    "A live space ends after this long with nobody on its stage; with ten or more listeners after six times as long.",
  ),
  openSpaces: given(
    "open-spaces",
    oneOf("anyone", "nobody"),
    "",
    "anyone",
    'Who may open spaces by the page and the API. With nobody, "hustings space open" still opens one.',
  ),
  recordingDays: maybe(
    "recording-days",
    wholeNumber(1, 36_500),
    "days",
    "An ended space and its recording are deleted after this long; without it they are kept.",
  ),
  recordingsGigabytes: maybe(
    "recordings-size",
    wholeNumber(1, 1_000_000),
    "GB",
    "When the ended spaces take more than this, the ones that ended first are deleted; without it none is.",
  ),
  listenersPerEdge: given(
    "listeners-per-edge",
    wholeNumber(1, 1_000_000),
    "listeners",
    "100000",
    "Maximum listeners of one edge, if descriptors suffice; further newcomers queue. Each costs 10 KiB and a descriptor.",
  ),
  listenersPerAddress: maybe(
    "listeners-per-address",
    wholeNumber(1, 1_000_000),
    "listeners",
    "Maximum listeners of one address (IPv6: one /64) at one edge; without it an eighth of the edge, at least 200.",
  ),
  spacesPerMinute: given(
    "spaces-per-minute",
    wholeNumber(1, 100_000),
    "spaces per minute",
    "10",
    "New spaces from one address, this many at once; ten times as many from all addresses together.",
  ),
  guestsPerMinute: given(
    "guests-per-minute",
    wholeNumber(1, 1_000_000),
    "tickets per minute",
    "120",
    "New guests and tickets for one address, this many at once; twenty times as many for all addresses together.",
  ),
  aac: given(
    "aac",
    oneOf("off", "on"),
    "",
    "off",
    "Also serve HLS as AAC, for players without Opus. Starts one more process, which needs ffmpeg on the PATH.",
  ),
  stageRealtime: given(
    "stage-realtime",
    oneOf("auto", "off"),
    "",
    "auto",
    "auto: run the stage in the real-time class (SCHED_RR 1) where the system allows it. off: use niceness only.",
  ),
  utcOffsetMs: given(
    "utc-offset-ms",
    wholeNumber(-86_400_000, 86_400_000),
    "milliseconds",
    "0",
    "For rehearsals: shift the server's clock by this much, as if the machine had started with a wrong clock.",
  ),
  logLevel: given(
    "log-level",
    oneOf("debug", "info", "warn", "error"),
    "",
    "info",
    "At info only changes are logged: nothing per listener, nothing per fragment.",
  ),
  logFormat: given(
    "log-format",
    oneOf("auto", "json", "lines"),
    "",
    "auto",
    "JSON, one object a line, or short lines for people. auto: lines at a terminal, JSON elsewhere.",
  ),
} as const satisfies Record<string, Setting<unknown>>;

type Table = typeof SETTINGS;
type ValueOf<Row> = Row extends Setting<infer Value> ? Value : never;
type Given = { [Name in keyof Table]: Table[Name]["fallback"] extends string ? Name : never }[keyof Table];

/** A setting that was not given and has no default is absent. */
export type Config = { readonly [Name in Given]: ValueOf<Table[Name]> } & {
  readonly [Name in Exclude<keyof Table, Given>]?: ValueOf<Table[Name]>;
};

/** One sentence per fault. */
export class BadConfig extends Error {
  override readonly name = "BadConfig";
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join("\n"));
    this.faults = faults;
  }
}

export interface ConfigMachine {
  readonly coresCount: number;
}

type Texts = Readonly<Record<string, string | undefined>>;

/**
 * Reads flags (without dashes), else the environment (empty: absent), else defaults. Throws BadConfig, which names all
 * bad settings and unknown flags.
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
    faults.push("--tls-cert and --tls-key must be given together.");
  if ((config.turnUrl === undefined) !== (config.turnSecret === undefined))
    faults.push("--turn-url and --turn-secret must be given together.");
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
