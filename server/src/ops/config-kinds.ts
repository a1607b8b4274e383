// The kinds of values of settings, and how each is read from text.

import { BlockList, isIP } from "node:net";
import { CADENCE_LADDER, RESERVE } from "@hustings/wire/listen/cadence.ts";

export interface Kind<Value> {
  /** Throws an Error that completes "--flag must be …". */
  read(text: string): Value;
  readonly allowed: string;
}

export function wholeNumber(min: number, max: number): Kind<number> {
  const allowed = `a whole number from ${min} to ${max}`;
  return {
    allowed,
    read(text) {
      const value = Number(text);
      if (!/^-?\d{1,12}$/.test(text) || value < min || value > max) throw new Error(allowed);
      return value;
    },
  };
}

export function oneOf<const Word extends string>(...words: readonly Word[]): Kind<Word> {
  const allowed = words.join(", ").replace(/, ([^,]*)$/, " or $1");
  return {
    allowed,
    read(text) {
      const found = words.find((word) => word === text);
      if (found === undefined) throw new Error(allowed);
      return found;
    },
  };
}

/** Seconds, read as milliseconds; or `auto`. */
export const cadence: Kind<"auto" | number> = {
  allowed: `auto, ${CADENCE_LADDER.map(({ cadenceMs }) => cadenceMs / 1_000).join(", ")}`,
  read(value) {
    const rung = CADENCE_LADDER.find(({ cadenceMs }) => String(cadenceMs / 1_000) === value);
    if (rung === undefined && value !== "auto") throw new Error(cadence.allowed);
    return rung?.cadenceMs ?? "auto";
  },
};

/** Seconds, read as milliseconds; or `auto`. */
export const reserve: Kind<"auto" | number> = {
  allowed: `auto, or whole seconds from 0 to ${RESERVE.mostMs / 1_000} that ${RESERVE.stepMs / 1_000} divides`,
  read(value) {
    if (value === "auto") return value;
    const reserveMs = /^\d{1,2}$/.test(value) ? Number(value) * 1_000 : Number.NaN;
    if (!(reserveMs <= RESERVE.mostMs) || reserveMs % RESERVE.stepMs !== 0) throw new Error(reserve.allowed);
    return reserveMs;
  },
};

export function text(allowed: string, pattern = /^[^\0]{1,4096}$/): Kind<string> {
  return {
    allowed,
    read(value) {
      if (!pattern.test(value)) throw new Error(allowed);
      return value;
    },
  };
}

export const ipAddress: Kind<string> = {
  allowed: "an IPv4 or IPv6 address",
  read(value) {
    if (isIP(value) === 0) throw new Error("an IPv4 or IPv6 address");
    return value;
  },
};

export const webOrigin: Kind<string> = {
  allowed: "http:// or https:// and a host, such as https://talk.example.org, without a path",
  read(value) {
    const url = URL.parse(value);
    const isOrigin = url !== null && /^https?:$/.test(url.protocol) && url.pathname === "/" && url.username === "";
    if (!isOrigin || url.search !== "" || url.hash !== "") throw new Error(webOrigin.allowed);
    return url.origin;
  },
};

const MAX_NETWORKS = 64;

export const networks: Kind<readonly string[]> = {
  allowed: `up to ${MAX_NETWORKS} addresses or CIDR blocks with commas between, such as 127.0.0.1,10.0.0.0/8`,
  read(value) {
    const list = value.split(",").map((one) => one.trim());
    if (list.length > MAX_NETWORKS || !list.every(isNetwork)) throw new Error(networks.allowed);
    return list;
  },
};

function isNetwork(one: string): boolean {
  const [address = "", bits, ...rest] = one.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

export function blockListOf(list: readonly string[]): BlockList {
  const blocks = new BlockList();
  for (const one of list) {
    const [address = "", bits] = one.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    blocks.addSubnet(address, bits === undefined ? (family === "ipv6" ? 128 : 32) : Number(bits), family);
  }
  return blocks;
}
