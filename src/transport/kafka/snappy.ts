import { copyMatch } from './copy-match.ts';

const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const xerialHeader = 16; // the magic and two versions
const highestRatio = 22; // three bytes repeat at most 64

/**
 * Decompresses snappy as Kafka's clients write it: one raw block, or the Java client's (xerial's) blocks with a length each.
 * Every block says first what it will be, so nothing is decompressed that would pass `limit`; holds the result alone.
 * @throws RangeError for more than `limit` bytes, and for bytes that are no snappy
 */
export function snappyDecompress(bytes: Buffer, limit: number): Buffer {
  const blocks = bytes.subarray(0, xerialMagic.length).equals(xerialMagic) ? xerialBlocks(bytes) : [blockOf(bytes)];
  const total = blocks.reduce((sum, { size }) => sum + size, 0);
  if (total > limit) throw tooLarge(limit);
  const out = Buffer.allocUnsafe(total);
  let at = 0;
  for (const block of blocks) at = inflate(block, out, at);
  return out;
}

const tooLarge = (limit: number): RangeError => new RangeError(`would grow beyond ${String(limit)} bytes`);
const corrupt = (what: string): RangeError => new RangeError(`not snappy: ${what}`);

interface Block {
  readonly body: Buffer;
  /** Decompressed. */
  readonly size: number;
}

function xerialBlocks(bytes: Buffer): Block[] {
  const blocks: Block[] = [];
  for (let at = xerialHeader; at < bytes.length; ) {
    if (at + 4 > bytes.length) throw corrupt('a block without its length');
    const length = bytes.readInt32BE(at);
    at += 4;
    if (length < 0 || at + length > bytes.length) throw corrupt(`a block of ${String(length)} bytes`);
    if (length > 0) blocks.push(blockOf(bytes.subarray(at, at + length)));
    at += length;
  }
  return blocks;
}

function blockOf(bytes: Buffer): Block {
  let size = 0;
  for (let at = 0; at < 5; at += 1) {
    const byte = bytes[at];
    if (byte === undefined) break;
    size += (byte & 127) * 2 ** (7 * at);
    if (byte > 127) continue;
    if (size > bytes.length * highestRatio) throw corrupt(`${String(bytes.length)} bytes cannot become ${String(size)}`);
    return { body: bytes.subarray(at + 1), size };
  }
  throw corrupt('no length');
}

function inflate({ body, size }: Block, out: Buffer, start: number): number {
  const end = start + size;
  let at = start;
  let read = 0;
  while (read < body.length) {
    const tag = body[read] ?? 0;
    read += 1;
    const kind = tag & 3;
    let length = (tag >>> 2) + 1;
    if (kind === 0) {
      const extra = length - 60; // so many bytes that say the length
      if (extra > 0) {
        length = littleEndian(body, read, extra) + 1;
        read += extra;
      }
      if (read + length > body.length || at + length > end) throw corrupt('a literal beyond the end');
      body.copy(out, at, read, read + length);
      read += length;
    } else {
      const wide = kind === 3 ? 4 : kind;
      let distance = littleEndian(body, read, wide);
      read += wide;
      if (kind === 1) {
        length = ((tag >>> 2) & 7) + 4;
        distance += (tag >>> 5) << 8;
      }
      if (distance === 0 || distance > at - start || at + length > end) throw corrupt('a copy beyond the end');
      copyMatch(out, at, distance, length);
    }
    at += length;
  }
  if (at !== end) throw corrupt(`${String(at - start)} bytes instead of ${String(size)}`);
  return end;
}

function littleEndian(bytes: Buffer, at: number, count: number): number {
  if (at + count > bytes.length) throw corrupt('it ends in the middle');
  return bytes.readUIntLE(at, count);
}
