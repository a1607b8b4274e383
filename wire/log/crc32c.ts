// CRC-32C (Castagnoli), the checksum of fragments and of log records on disk.

const POLYNOMIAL_REVERSED = 0x82f63b78;

const TABLE = buildTable();

/** The unsigned checksum of `bytes[from, to)`. Test vectors: RFC 3720 appendix B.4. */
export function crc32c(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let crc = 0xffffffff;
  for (let i = from; i < to; i++) {
    crc = (TABLE[(crc ^ (bytes[i] as number)) & 0xff] as number) ^ (crc >>> 8);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function buildTable(): Uint32Array {
  const table = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL_REVERSED : crc >>> 1;
    table[byte] = crc >>> 0;
  }
  return table;
}
