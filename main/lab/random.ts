import { createHash } from 'node:crypto';

/** mulberry32: small, seeded, and its whole state is one number that the lab can store. */
export type RandomState = { value: number };

export function nextFraction(state: RandomState): number {
  state.value = (state.value + 0x6d2b79f5) >>> 0;
  let mixed = state.value;
  mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
}

export function nextBetween(state: RandomState, [from, to]: readonly [number, number]): number {
  return from + Math.floor(nextFraction(state) * (to - from + 1));
}

export function pick<T>(state: RandomState, choices: readonly T[]): T | undefined {
  return choices[Math.floor(nextFraction(state) * choices.length)];
}

/** Looks random, is the same on every machine: a version 4 UUID made from a text. */
export function uuidFrom(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
