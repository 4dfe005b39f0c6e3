import { copyMatch } from './copy-match.ts';

const magic = 0x184d2204;
const leastMatch = 4;
const window = 65_536;

interface Block {
  readonly from: number;
  readonly to: number;
  readonly stored: boolean;
}

/**
 * Decompresses one LZ4 frame as Kafka's clients write it. Its sizes are added up first, without writing anything, so
 * nothing is held that would pass `limit`; holds the result alone. Checksums are left to the batch, whose own covers
 * these bytes: old clients computed LZ4's header checksum wrongly, and Kafka's readers have to take both.
 * @throws RangeError for more than `limit` bytes, and for bytes that are no LZ4 frame
 */
export function lz4Decompress(bytes: Buffer, limit: number): Buffer {
  const blocks = blocksOf(bytes);
  let total = 0;
  for (const block of blocks) {
    total += sizeOf(bytes, block);
    if (total > limit) throw new RangeError(`would grow beyond ${String(limit)} bytes`);
  }
  const out = Buffer.allocUnsafe(total);
  let at = 0;
  for (const block of blocks) at = inflate(bytes, block, out, at);
  return out;
}

const corrupt = (what: string): RangeError => new RangeError(`not an LZ4 frame: ${what}`);

function blocksOf(bytes: Buffer): Block[] {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== magic) throw corrupt('it begins differently');
  const flags = bytes[4] ?? 0;
  if (flags >>> 6 !== 1) throw corrupt(`version ${String(flags >>> 6)}`);
  if ((flags & 1) > 0) throw corrupt('it needs a dictionary');
  const blockChecksum = (flags & 16) > 0 ? 4 : 0;
  const blocks: Block[] = [];
  let at = 4 + 2 + ((flags & 8) > 0 ? 8 : 0) + 1; // magic, flags and sizes, the content's length, the header's checksum
  for (;;) {
    if (at + 4 > bytes.length) throw corrupt('it ends in the middle');
    const size = bytes.readUInt32LE(at);
    at += 4;
    if (size === 0) return blocks;
    const from = at;
    at += size & 0x7fffffff;
    if (at > bytes.length) throw corrupt('a block beyond the end');
    blocks.push({ from, to: at, stored: size > 0x7fffffff });
    at += blockChecksum;
  }
}

function sizeOf(bytes: Buffer, { from, to, stored }: Block): number {
  if (stored) return to - from;
  let size = 0;
  walk(bytes, from, to, (literals, _start, _distance, match) => {
    size += literals + match;
  });
  return size;
}

function inflate(bytes: Buffer, { from, to, stored }: Block, out: Buffer, start: number): number {
  if (stored) {
    bytes.copy(out, start, from, to);
    return start + to - from;
  }
  let at = start;
  walk(bytes, from, to, (literals, literalsAt, distance, match) => {
    bytes.copy(out, at, literalsAt, literalsAt + literals);
    at += literals;
    if (match === 0) return;
    // blocks may refer to those before them, up to the window
    if (distance === 0 || distance > at || distance > window) throw corrupt('a copy from before the beginning');
    copyMatch(out, at, distance, match);
    at += match;
  });
  return at;
}

/** Tells each sequence of a block: how many literals and where they lie, then how many bytes repeat from how far back. The last has no repetition. */
function walk(
  bytes: Buffer,
  from: number,
  to: number,
  visit: (literals: number, literalsAt: number, distance: number, match: number) => void,
): void {
  let at = from;
  const longer = (nibble: number): number => {
    let length = nibble;
    if (nibble !== 15) return length;
    for (let byte = 255; byte === 255; at += 1) {
      if (at >= to) throw corrupt('a length beyond the end');
      byte = bytes[at] ?? 0;
      length += byte;
    }
    return length;
  };
  while (at < to) {
    const token = bytes[at] ?? 0;
    at += 1;
    const literals = longer(token >>> 4);
    const literalsAt = at;
    at += literals;
    if (at > to) throw corrupt('literals beyond the end');
    if (at === to) {
      visit(literals, literalsAt, 0, 0);
      return;
    }
    if (at + 2 > to) throw corrupt('a copy without its distance');
    const distance = bytes.readUInt16LE(at);
    at += 2;
    visit(literals, literalsAt, distance, longer(token & 15) + leastMatch);
  }
}
