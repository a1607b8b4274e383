// The K-weighting filter at 48 kHz (ITU-R BS.1770-5 Annex 1, tables 1 and 2).

/** Returns the mean square of each frame after the filter, whose state continues from frame to frame. */
export function createKWeighting(): (pcm: Float32Array) => number {
  const state = new Float64Array(4);
  return (pcm) => {
    let [shelf1 = 0, shelf2 = 0, pass1 = 0, pass2 = 0] = state;
    const { length } = pcm;
    let sum = 0;
    for (let index = 0; index < length; index += 1) {
      const sample = pcm[index] as number;
      const shelved = 1.53512485958697 * sample + shelf1;
      shelf1 = -2.69169618940638 * sample + 1.69065929318241 * shelved + shelf2;
      shelf2 = 1.19839281085285 * sample - 0.73248077421585 * shelved;
      const passed = shelved + pass1;
      pass1 = -2 * shelved + 1.99004745483398 * passed + pass2;
      pass2 = shelved - 0.99007225036621 * passed;
      sum += passed * passed;
    }
    state.set([settle(shelf1), settle(shelf2), settle(pass1), settle(pass2)]);
    return length === 0 ? 0 : sum / length;
  };
}

/** Arithmetic on denormals is slow. */
function settle(value: number): number {
  return Math.abs(value) < 1e-15 ? 0 : value;
}
