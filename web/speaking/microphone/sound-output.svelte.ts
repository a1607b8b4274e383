// The loudspeaker or headset on which a speaker hears the others, where the browser lets a page choose it.

export interface OutputDevice {
  readonly id: string;
  readonly label: string;
}

/** Firefox asks the person in a dialog of its own and lists only what was chosen there. */
type Selecting = MediaDevices & { readonly selectAudioOutput?: () => Promise<MediaDeviceInfo> };

const DEFAULT = "";

export class SoundOutput {
  /** Of the system, and all others that the browser shows to this page. Empty: there is no choice. */
  devices = $state.raw<readonly OutputDevice[]>([]);
  deviceId = $state.raw(DEFAULT);
  readonly mayAsk = canChoose() && "selectAudioOutput" in (navigator.mediaDevices ?? {});
  readonly #elements = new Set<HTMLAudioElement>();

  /** Plays the element on the chosen device, now and after every change. */
  playOn(element: HTMLAudioElement): void {
    this.#elements.add(element);
    void this.#move(element);
  }

  forget(element: HTMLAudioElement): void {
    this.#elements.delete(element);
  }

  async use(deviceId: string): Promise<void> {
    this.deviceId = deviceId;
    await Promise.all([...this.#elements].map((element) => this.#move(element)));
  }

  /** Lets the person choose in the browser's own dialog. */
  async ask(): Promise<void> {
    const { selectAudioOutput } = navigator.mediaDevices as Selecting;
    const device = await selectAudioOutput?.call(navigator.mediaDevices).catch(() => undefined);
    if (device === undefined) return;
    await this.refresh();
    await this.use(device.deviceId);
  }

  /** Lists the devices. The labels need the permission for the microphone. A chosen one that is gone is given up. */
  async refresh(): Promise<void> {
    if (!canChoose()) return;
    const all = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    const outputs = all.filter(({ kind, deviceId }) => kind === "audiooutput" && deviceId !== "");
    this.devices = outputs.map(({ deviceId, label }) => ({ id: deviceId, label }));
    if (this.deviceId !== DEFAULT && !this.devices.some(({ id }) => id === this.deviceId)) await this.use(DEFAULT);
  }

  async #move(element: HTMLAudioElement): Promise<void> {
    if (canChoose() && element.sinkId !== this.deviceId) await element.setSinkId(this.deviceId).catch(() => undefined);
  }
}

function canChoose(): boolean {
  return "setSinkId" in HTMLMediaElement.prototype;
}
