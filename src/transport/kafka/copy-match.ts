/**
 * Repeats `length` bytes that lie `distance` before `at`, as the formats of the LZ77 family mean it: the source may
 * reach into what is being written. The caller has checked the bounds.
 */
export function copyMatch(out: Uint8Array, at: number, distance: number, length: number): void {
  if (length < 16) {
    for (let i = at, from = at - distance; i < at + length; i += 1, from += 1) out[i] = out[from] ?? 0;
    return;
  }
  const from = at - distance;
  // what is written so far repeats with the period `distance`, so each step may copy all of it
  for (let done = 0; done < length; ) {
    const step = Math.min(length - done, distance + done);
    out.copyWithin(at + done, from, from + step);
    done += step;
  }
}
