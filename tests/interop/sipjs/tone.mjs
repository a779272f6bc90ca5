// PCMU audio: making a tone, and finding the tone in what is heard.

export const RATE = 8000;
export const PACKET = 160;

/** 100 ms. */
export const WINDOW = 800;

const LOWEST_HZ = 200;
const HIGHEST_HZ = 2000;
const STEP_HZ = 5;
/** The share of a window's energy that one frequency must have: of two equal ones each has half, one alone has 0.99. */
const DOMINANCE = 0.8;
/** Mean energy of a sample below which a window is silent: PCMU's idle pattern and line noise are far below. */
const AUDIBLE = 100 * 100;
const PEAK = 8000;

const BIAS = 0x84;
const CLIP = 32635;

function encoded(sample) {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), CLIP) + BIAS;
  const exponent = Math.max(31 - Math.clz32(magnitude) - 7, 0);
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}

const DECODED = Int16Array.from({ length: 256 }, (_, byte) => {
  const code = ~byte & 0xff;
  const magnitude = (((code & 0x0f) << 3) + BIAS) << ((code >> 4) & 7);
  return code & 0x80 ? BIAS - magnitude : magnitude - BIAS;
});

/** A sine without a break between packets. */
export class Sine {
  #step;
  #at = 0;

  constructor(hz) {
    this.#step = (2 * Math.PI * hz) / RATE;
  }

  /** The next 20 ms as PCMU. */
  packet() {
    return Uint8Array.from({ length: PACKET }, () => {
      this.#at += this.#step;
      return encoded(Math.round(PEAK * Math.sin(this.#at)));
    });
  }
}

/** Samples of a PCMU payload. */
export function decoded(payload) {
  return Array.from(payload, (byte) => DECODED[byte]);
}

/** Goertzel: the squared magnitude of one frequency. */
function power(samples, hz) {
  const coefficient = 2 * Math.cos((2 * Math.PI * hz) / RATE);
  let last = 0;
  let before = 0;
  for (const sample of samples) {
    [last, before] = [sample + coefficient * last - before, last];
  }
  return last * last + before * before - coefficient * last * before;
}

/** The dominant tone in Hz, or null: silence, too little audio, noise, two tones at once. */
export function dominant(samples) {
  if (samples.length < WINDOW / 2) return null;
  const energy = samples.reduce((sum, sample) => sum + sample * sample, 0);
  if (energy < AUDIBLE * samples.length) return null;
  let best = [0, 0];
  for (let hz = LOWEST_HZ; hz <= HIGHEST_HZ; hz += STEP_HZ) {
    const found = power(samples, hz);
    if (found > best[1]) best = [hz, found];
  }
  // A sine of amplitude A over n samples has energy n A^2 / 2 and power (n A / 2)^2.
  return (best[1] * 2) / (samples.length * energy) >= DOMINANCE ? best[0] : null;
}
