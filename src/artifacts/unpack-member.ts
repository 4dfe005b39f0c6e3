import { createReadStream, createWriteStream } from 'node:fs';
import { open, readFile, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw, gunzipSync } from 'node:zlib';
import type { UnpackStep } from './artifact.ts';

/** Largest tar.gz that is unpacked, opened and packed: it is held in memory. */
const maxTarBytes = 64 * 1024 * 1024;

/**
 * Writes one member of an archive to `target`. Reads what wheels and source distributions are made of (zip with stored or
 * deflated members, no zip64; tar.gz with plain names) and no more.
 *
 * @throws Error that says what is wrong with the archive.
 */
export async function unpackMember(archive: string, step: UnpackStep, target: string, signal?: AbortSignal): Promise<void> {
  if (step.format === 'zip') await unzip(archive, step.member, target, signal);
  else
    await writeFile(
      target,
      untar(gunzipSync(await readFile(archive), { maxOutputLength: maxTarBytes }), step.member),
      signal ? { signal } : {},
    );
}

const localHeaderBytes = 30;
const centralHeaderBytes = 46;
const endBytes = 22;
const longestComment = 65_535;

async function unzip(archive: string, member: string, target: string, signal: AbortSignal | undefined): Promise<void> {
  const file = await open(archive, 'r');
  let entry: ZipEntry;
  let start: number;
  try {
    entry = findZipEntry(await readDirectory(file), member);
    const header = await readAt(file, entry.offset, localHeaderBytes);
    if (header.readUInt32LE(0) !== 0x04034b50) throw new Error('the zip archive is damaged: no header where one should be');
    start = entry.offset + localHeaderBytes + header.readUInt16LE(26) + header.readUInt16LE(28);
  } finally {
    await file.close();
  }
  if (entry.method !== 0 && entry.method !== 8) throw new Error(`zip compression method ${String(entry.method)} is not supported`);
  const packed = createReadStream(archive, { start, end: start + entry.packedBytes - 1, highWaterMark: 1 << 18 });
  const options = signal ? { signal } : {};
  if (entry.method === 0) await pipeline(packed, createWriteStream(target), options);
  else await pipeline(packed, createInflateRaw(), createWriteStream(target), options);
}

interface ZipEntry {
  readonly method: number;
  readonly packedBytes: number;
  readonly offset: number;
}

type ReadableFile = Awaited<ReturnType<typeof open>>;

async function readAt(file: ReadableFile, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead < length) throw new Error('the zip archive ends too early');
  return buffer;
}

async function readDirectory(file: ReadableFile): Promise<Buffer> {
  const { size } = await file.stat();
  const tailBytes = Math.min(size, endBytes + longestComment);
  const tail = await readAt(file, size - tailBytes, tailBytes);
  const end = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (end < 0 || end + endBytes > tail.length) throw new Error('it is no zip archive, or its end is missing');
  return readAt(file, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
}

function findZipEntry(directory: Buffer, member: string): ZipEntry {
  for (let at = 0; at + centralHeaderBytes <= directory.length; ) {
    const nameBytes = directory.readUInt16LE(at + 28);
    const name = directory.toString('utf8', at + centralHeaderBytes, at + centralHeaderBytes + nameBytes);
    if (name === member) {
      return {
        method: directory.readUInt16LE(at + 10),
        packedBytes: directory.readUInt32LE(at + 20),
        offset: directory.readUInt32LE(at + 42),
      };
    }
    at += centralHeaderBytes + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  throw new Error(`the zip archive has no member ${member}`);
}

const tarBlock = 512;

function untar(tar: Buffer, member: string): Buffer {
  const text = (at: number, length: number): string => tar.toString('utf8', at, at + length).replace(/\0.*$/s, '');
  for (let at = 0; at + tarBlock <= tar.length && tar[at] !== 0; ) {
    const bytes = Number.parseInt(text(at + 124, 12).trim(), 8);
    if (!Number.isSafeInteger(bytes)) throw new Error('the tar archive is damaged: a size is no number');
    const prefix = text(at + 257, 5) === 'ustar' ? text(at + 345, 155) : '';
    const name = prefix === '' ? text(at, 100) : `${prefix}/${text(at, 100)}`;
    const start = at + tarBlock;
    if (name === member) {
      if (start + bytes > tar.length) throw new Error('the tar archive ends too early');
      return tar.subarray(start, start + bytes);
    }
    at = start + Math.ceil(bytes / tarBlock) * tarBlock;
  }
  throw new Error(`the tar archive has no member ${member}`);
}
