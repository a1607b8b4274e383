// Opens the microphone, measures its level, and says why it cannot be opened.

export type MicrophoneProblem = "insecure" | "unsupported" | "refused" | "missing" | "busy";

/**
 * `interrupted`: the device or the system gives no sound for now, for instance during a phone call. `ended`: the device
 * was unplugged or the person took the permission back; only a newly opened microphone helps.
 */
export type MicrophoneCondition = "working" | "interrupted" | "ended";

export interface Microphone extends Disposable {
  readonly stream: MediaStream;
  /** The same sound, also while muted. It never leaves the page. */
  readonly unmuted: MediaStream;
  readonly deviceId: string | undefined;
  readonly label: string;
  readonly condition: MicrophoneCondition;
  /** Sends sound only while open. The level is measured in both cases. */
  open(isOpen: boolean): void;
  /** 0 to 1, before muting. */
  level(): number;
  /** Of the last 20 ms or so, before muting: RMS in dB of full scale, and the largest sample, of which 1 is full scale. */
  measure(): { readonly rmsDb: number; readonly peak: number };
}

export class NoMicrophone extends Error {
  override readonly name = "NoMicrophone";
  readonly problem: MicrophoneProblem;
  constructor(problem: MicrophoneProblem, cause?: unknown) {
    super(problem, { cause });
    this.problem = problem;
  }
}

export async function isMicrophoneAllowed(): Promise<boolean> {
  try {
    const { state } = await navigator.permissions.query({ name: "microphone" as PermissionName });
    return state === "granted";
  } catch {
    return false;
  }
}

export function microphoneProblem(): "insecure" | "unsupported" | undefined {
  if (!isSecureContext) return "insecure";
  return "mediaDevices" in navigator && "RTCPeerConnection" in globalThis ? undefined : "unsupported";
}

/** Opens the microphone, muted at first. `onCondition` reports every change of its condition. Throws NoMicrophone. */
export async function openMicrophone(
  deviceId: string | undefined,
  onCondition: (condition: MicrophoneCondition) => void,
): Promise<Microphone> {
  const problem = microphoneProblem();
  if (problem) throw new NoMicrophone(problem);
  const audio: MediaTrackConstraints = {
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
    channelCount: 1,
    ...(deviceId === undefined ? {} : { deviceId: { exact: deviceId } }),
  };
  const stream = await navigator.mediaDevices.getUserMedia({ audio, video: false }).catch((cause: unknown) => {
    throw new NoMicrophone(problemOf(cause), cause);
  });
  return microphoneOf(stream, onCondition);
}

/** Labels are empty until the microphone is allowed. */
export async function listMicrophones(): Promise<readonly { readonly id: string; readonly label: string }[]> {
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  const inputs = devices.filter(({ kind, deviceId }) => kind === "audioinput" && deviceId !== "");
  return inputs.map(({ deviceId, label }) => ({ id: deviceId, label }));
}

function problemOf(cause: unknown): MicrophoneProblem {
  const name = cause instanceof DOMException ? cause.name : "";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "missing";
  return name === "NotReadableError" || name === "AbortError" ? "busy" : "refused";
}

function microphoneOf(stream: MediaStream, onCondition: (condition: MicrophoneCondition) => void): Microphone {
  const [track] = stream.getAudioTracks();
  const watched = new AbortController();
  for (const event of ["ended", "mute", "unmute"])
    track?.addEventListener(event, () => onCondition(conditionOf(track)), { signal: watched.signal });
  // A clone stays enabled while the sent track is disabled.
  const copy = track?.clone();
  const unmuted = new MediaStream(copy ? [copy] : []);
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024, smoothingTimeConstant: 0 });
  if (copy) context.createMediaStreamSource(unmuted).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  if (track) track.enabled = false;
  const measure = (): { rmsDb: number; peak: number } => {
    if (context.state === "suspended") void context.resume();
    analyser.getFloatTimeDomainData(samples);
    return measured(samples);
  };
  return {
    stream,
    unmuted,
    measure,
    deviceId: track?.getSettings().deviceId,
    label: track?.label ?? "",
    get condition() {
      return conditionOf(track);
    },
    open(isOpen) {
      if (track) track.enabled = isOpen;
    },
    level: () => ringLevel(measure().rmsDb),
    [Symbol.dispose]() {
      watched.abort();
      track?.stop();
      copy?.stop();
      void context.close();
    },
  };
}

function conditionOf(track: MediaStreamTrack | undefined): MicrophoneCondition {
  if (track?.readyState !== "live") return "ended";
  return track.muted ? "interrupted" : "working";
}

function measured(samples: Float32Array): { readonly rmsDb: number; readonly peak: number } {
  let sum = 0;
  let peak = 0;
  for (const sample of samples) {
    sum += sample * sample;
    peak = Math.max(peak, Math.abs(sample));
  }
  return { rmsDb: 10 * Math.log10(sum / samples.length + 1e-12), peak };
}

/** 0 at −58 dB, 1 at −14 dB: the scale of the rings on screen. */
export function ringLevel(rmsDb: number): number {
  return Math.min(1, Math.max(0, (rmsDb + 58) / 44));
}
