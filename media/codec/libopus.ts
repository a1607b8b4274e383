// Loads libopus, built to WebAssembly. Only opus.ts uses its functions and memory.

declare global {
  interface ImportMeta {
    resolve(specifier: string): string;
  }
}

/** Pointers are byte offsets; results below zero are libopus error codes. */
export interface Libopus {
  readonly HEAPU8: Uint8Array<ArrayBuffer>;
  readonly HEAPF32: Float32Array<ArrayBuffer>;
  readonly HEAP32: Int32Array<ArrayBuffer>;
  _malloc(sizeBytes: number): number;
  _free(pointer: number): void;
  UTF8ToString(pointer: number): string;
  _oc_get_version_string(): number;
  _oc_strerror(code: number): number;
  _oc_create_encoder(rateHz: number, channels: number, application: number, errorPointer: number): number;
  _oc_destroy_encoder(encoder: number): void;
  _oc_encoder_ctl(encoder: number, request: number, value: number): number;
  _oc_encoder_ctl_get_lookahead(encoder: number): number;
  _oc_encode_float(encoder: number, pcm: number, samples: number, packet: number, maxBytes: number): number;
  _oc_create_decoder(rateHz: number, channels: number, errorPointer: number): number;
  _oc_destroy_decoder(decoder: number): void;
  _oc_decode_float(
    decoder: number,
    packet: number,
    packetBytes: number,
    pcm: number,
    maxSamples: number,
    fec: number,
  ): number;
}

/**
 * A fresh instance. The bytes are inside the package's module: no other file and no network. The package's public
 * functions create encoders and decoders asynchronously, but a stage needs them between two ticks
 * (docs/decisions/0002).
 */
export async function loadLibopus(): Promise<Libopus> {
  const entry = import.meta.resolve("libopus-wasm");
  const build: { default: () => Promise<Libopus> } = await import(
    entry.replace(/index\.js$/, "generated/libopus.generated.mjs")
  );
  return build.default();
}
