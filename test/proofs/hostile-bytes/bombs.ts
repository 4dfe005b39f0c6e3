import { promisify } from 'node:util';
import { gzip, zstdCompress } from 'node:zlib';
import { zigzag } from './avro-cases.ts';

const piece = 64 * 1024 * 1024;
const value = 2 ** 30;

/** The records of a batch: one, whose value is 1 GiB of zeros, as pieces that follow each other. */
function recordOf(): { readonly head: Buffer; readonly tail: Buffer } {
  const tail = Buffer.of(0); // no headers
  const inner = Buffer.concat([Buffer.of(0, 0, 0, 1), zigzag(BigInt(value))]); // attributes, time, offset, no key
  return { head: Buffer.concat([zigzag(BigInt(inner.length + value + tail.length)), inner]), tail };
}

/**
 * 1 GiB in 1 MB, as brokers take it. Of many members, the last of which is a few bytes: what gzip says of its length at its end is
 * then as good as nothing.
 */
const made = async (compress: (bytes: Buffer) => Promise<Buffer>): Promise<Buffer> => {
  const { head, tail } = recordOf();
  const zeros = await compress(Buffer.alloc(piece));
  const [first, last] = await Promise.all([compress(head), compress(tail)]);
  return Buffer.concat([first, ...Array<Buffer>(value / piece).fill(zeros), last]);
};

export const bombs = {
  gzip: () => made((bytes) => promisify(gzip)(bytes, { level: 9 })),
  zstd: () => made((bytes) => promisify(zstdCompress)(bytes)),
} as const;
