import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { unpackMember } from '../../src/artifacts/unpack-member.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A zip archive as its specification describes it, with local headers that are longer than the directory says. */
function zip(members: readonly { name: string; data: Buffer; stored?: boolean }[], comment = ''): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  for (const { name, data, stored = false } of members) {
    const packed = stored ? data : deflateRawSync(data);
    const extra = Buffer.alloc(7);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(Buffer.byteLength(name), 26);
    local.writeUInt16LE(extra.length, 28);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(stored ? 0 : 8, 10);
    central.writeUInt32LE(crc32(data), 16);
    central.writeUInt32LE(packed.length, 20);
    central.writeUInt32LE(data.length, 24);
    central.writeUInt16LE(Buffer.byteLength(name), 28);
    central.writeUInt32LE(
      locals.reduce((sum, one) => sum + one.length, 0),
      42,
    );
    locals.push(Buffer.concat([local, Buffer.from(name), extra, packed]));
    directory.push(Buffer.concat([central, Buffer.from(name)]));
  }
  const start = locals.reduce((sum, one) => sum + one.length, 0);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(start, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...locals, ...directory, end, Buffer.from(comment)]);
}

function tar(members: readonly { name: string; data: Buffer }[]): Buffer {
  const blocks = members.flatMap(({ name, data }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124);
    return [header, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1_024)]));
}

const a = Buffer.from('alpha '.repeat(1_000));
const b = Buffer.alloc(512, 'b');

const unpack = async (archive: Buffer, format: 'zip' | 'tar.gz', member: string): Promise<Buffer> => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'archive'), archive);
  await unpackMember(join(folder, 'archive'), { format, member }, join(folder, 'out'));
  return readFile(join(folder, 'out'));
};

describe('unpackMember', () => {
  it.each([
    {
      what: 'a deflated member',
      archive: zip([
        { name: 'x/a', data: a },
        { name: 'b', data: b },
      ]),
      format: 'zip' as const,
      member: 'x/a',
      data: a,
    },
    {
      what: 'a stored member',
      archive: zip(
        [
          { name: 'a', data: a },
          { name: 'b', data: b, stored: true },
        ],
        'PK comment',
      ),
      format: 'zip' as const,
      member: 'b',
      data: b,
    },
    {
      what: 'a member of a tar.gz',
      archive: tar([
        { name: 'd/', data: Buffer.alloc(0) },
        { name: 'd/b', data: b },
        { name: 'd/a', data: a },
      ]),
      format: 'tar.gz' as const,
      member: 'd/a',
      data: a,
    },
  ])('unpacks $what', async ({ archive, format, member, data }) => {
    expect(await unpack(archive, format, member)).toEqual(data);
  });

  it.each([
    { what: 'no zip', archive: a, format: 'zip' as const, says: 'no zip archive' },
    { what: 'a zip cut off', archive: zip([{ name: 'a', data: a }]).subarray(0, -30), format: 'zip' as const, says: 'no zip archive' },
    { what: 'a zip without the member', archive: zip([{ name: 'b', data: b }]), format: 'zip' as const, says: 'no member a' },
    { what: 'no gzip', archive: a, format: 'tar.gz' as const, says: 'incorrect header check' },
    { what: 'a tar without the member', archive: tar([{ name: 'b', data: b }]), format: 'tar.gz' as const, says: 'no member a' },
    { what: 'no tar', archive: gzipSync(Buffer.alloc(2_000, 'z')), format: 'tar.gz' as const, says: 'a size is no number' },
  ])('says so of $what', async ({ archive, format, says }) => {
    await expect(unpack(archive, format, 'a')).rejects.toThrow(says);
  });
});
