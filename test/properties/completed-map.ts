import { decodeCompleted, encodeCompleted, maxMetadataChars, type OffsetRange } from '../../src/flow/completed-map.state.ts';
import type { Random } from '../../src/simulation/random.ts';

/** One map of up to so many ranges, each `longest` at most, written, and read by the codec and by a reader of its own. */
export function mapCase(random: Random, events: number, longest: number): string | undefined {
  const watermark = BigInt(random.int(0, 2 ** 40));
  const ranges: OffsetRange[] = [];
  let at = watermark;
  for (let i = random.int(0, events); i > 0; i -= 1) {
    const from = at + BigInt(random.int(1, longest));
    at = from + BigInt(random.int(1, longest));
    ranges.push({ from, to: at });
  }
  const { text, isWhole } = encodeCompleted(watermark, ranges);
  if (text.length > maxMetadataChars) return `it takes ${String(text.length)} characters`;
  const read = show(decodeCompleted(watermark, text));
  const other = show(readPlainly(watermark, text));
  if (read !== other) return `read as ${read}, plainly as ${other}`;
  if (isWhole ? read !== show(ranges) : !isPrefix(decodeCompleted(watermark, text), ranges)) return `wrote ${show(ranges)}, read ${read}`;
  return undefined;
}

const show = (ranges: readonly OffsetRange[]): string => ranges.map(({ from, to }) => `${String(from)}-${String(to)}`).join(' ');

/** Everything that it says is true, and nothing is skipped before its end. */
function isPrefix(read: readonly OffsetRange[], ranges: readonly OffsetRange[]): boolean {
  const last = read.at(-1);
  const whole = read.slice(0, -1).every(({ from, to }, i) => ranges[i]?.from === from && ranges[i].to === to);
  const under = ranges[read.length - 1];
  return whole && (last === undefined || (under !== undefined && last.from === under.from && last.to <= under.to));
}

/** The format as its comment has it, read bit by bit. */
function readPlainly(watermark: bigint, text: string): readonly OffsetRange[] {
  if (text === '') return [];
  const bytes = [...Buffer.from(text.slice(2), 'base64url')];
  const runs: bigint[] = []; // how many are open, how many are done, in turn
  if (text[1] === 'r') {
    let bits = '';
    for (const byte of bytes) {
      bits = (byte & 0x7f).toString(2).padStart(7, '0') + bits;
      if (byte >= 0x80) continue;
      runs.push(BigInt(`0b${bits}`) + 1n);
      bits = '';
    }
  } else {
    const bits = bytes.flatMap((byte) => Array.from({ length: 8 }, (_, bit) => String((byte >> bit) & 1))).join('');
    for (const run of bits.match(/0+|1+/g) ?? []) runs.push(BigInt(run.length));
    if (bits.startsWith('1')) runs.unshift(0n);
  }
  const ranges: OffsetRange[] = [];
  let at = watermark;
  for (let i = 0; i + 1 < runs.length; i += 2) {
    const from = at + (runs[i] ?? 0n);
    at = from + (runs[i + 1] ?? 0n);
    ranges.push({ from, to: at });
  }
  return ranges;
}
