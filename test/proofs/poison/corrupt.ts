import { readFile, writeFile } from 'node:fs/promises';

const lengthAt = 8;
const bodyAt = 12;
const insideValue = 4; // from the end: the number of headers, a brace, a quote

/** Changes a letter in the last value of the batches that begin at these offsets, so that only their checksum can tell, in a segment of a broker that is not running. */
export async function corrupt(segment: string, offsets: ReadonlySet<bigint>): Promise<number> {
  const bytes = await readFile(segment);
  let changed = 0;
  for (let at = 0; at + bodyAt < bytes.length; ) {
    const end = at + bodyAt + bytes.readInt32BE(at + lengthAt);
    if (end <= at + bodyAt) break; // what the broker has reserved and not used
    if (offsets.has(bytes.readBigInt64BE(at))) {
      bytes.writeUInt8(bytes.readUInt8(end - insideValue) ^ 1, end - insideValue);
      changed += 1;
    }
    at = end;
  }
  await writeFile(segment, bytes);
  return changed;
}
