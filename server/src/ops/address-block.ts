// Decides what counts as one address where a limit applies per address.

/** The narrowest first. A customer may hold a /64, a /56 or a /48. */
export function networksOf(address: string): readonly string[] {
  const narrowest = networkOf(address);
  if (!narrowest.endsWith("::/64")) return [narrowest];
  const [a = "0", b = "0", c = "0", d = "0"] = narrowest.slice(0, -"::/64".length).split(":");
  const upperByte = (Number.parseInt(d, 16) & 0xff00).toString(16);
  return [narrowest, `${a}:${b}:${c}:${upperByte}::/56`, `${a}:${b}:${c}::/48`];
}

/** Whether a connection from `address` comes from this machine. */
export function isOwnAddress(address: string): boolean {
  return /^(?:::ffff:)?127\.|^::1$/i.test(address);
}

/** Of IPv6 the first 64 bits: a household gets a whole /64. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(":")) return address;
  const [head = "", tail] = (address.split("%")[0] ?? "").toLowerCase().split("::");
  const before = head.split(":").filter((group) => group !== "");
  const after = tail === undefined ? [] : tail.split(":").filter((group) => group !== "");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array.from({ length: zeros }, () => "0"), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":")}::/64`;
}
