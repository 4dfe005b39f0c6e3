import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { gunzip } from 'node:zlib';
import { DocumentError, isStreamError, messageOf, StreamError } from '../../errors.ts';

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');
const what: Readonly<Record<string, string>> = {
  ENOENT: 'it was there a moment ago, or is a link to nothing; run again',
  EACCES: 'this user may not read it; change its rights, or leave it out',
  EPERM: 'this user may not read it; change its rights, or leave it out',
  ELOOP: 'it is a link; copy the file itself',
  ENAMETOOLONG: 'its path is too long; move it up',
  EISDIR: 'it is a folder',
  ENXIO: 'it is a socket or device, not a file; leave it out',
  EIO: 'the disk cannot read it; look at the disk',
  Z_DATA_ERROR: 'it is no gzip file, or a damaged one; pack it anew',
  Z_BUF_ERROR: 'it is a gzip file that was cut off; pack it anew',
};

/** An error of the file system as one that says which document and what to do. */
export function fileError(path: string, error: unknown): StreamError {
  if (isStreamError(error) && error instanceof StreamError) return error;
  const code = codeOf(error);
  if (['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'].includes(code)) {
    return new StreamError(
      'resource_exhausted',
      `${path} cannot be opened now (${code}); read fewer at once, or raise the limit of open files`,
      { cause: error },
    );
  }
  return new DocumentError(`${path} cannot be read: ${what[code] ?? messageOf(error)}${code === '' ? '' : ` (${code})`}`, { cause: error });
}

export interface OpenedFile {
  readonly file: FileHandle;
  readonly stats: Stats;
}

const kindOf = (stats: Stats): string =>
  stats.isDirectory()
    ? 'a folder'
    : stats.isFIFO()
      ? 'a FIFO'
      : stats.isSocket()
        ? 'a socket'
        : stats.isCharacterDevice() || stats.isBlockDevice()
          ? 'a device'
          : 'no file';

/** Opens a file, and nothing else: a FIFO without a writer would be waited for forever, which opening without blocking does not. */
export async function openFile(path: string, shown: string, follow: boolean): Promise<OpenedFile> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (follow ? 0 : constants.O_NOFOLLOW);
  const file = await open(path, flags).catch((error: unknown) => {
    throw fileError(shown, error);
  });
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new DocumentError(`${shown} is ${kindOf(stats)}, not a file; leave it out`);
    return { file, stats };
  } catch (error) {
    await file.close();
    throw fileError(shown, error);
  }
}

const tooLarge = (shown: string, got: string, maxBytes: number): DocumentError =>
  new DocumentError(`${shown}: expected a document of at most ${String(maxBytes)} bytes, got ${got}; split it, or raise maxBytes`);

/** All of a file, unpacked where its name says gzip. */
export async function wholeFile({ file, stats }: OpenedFile, shown: string, maxBytes: number): Promise<Uint8Array> {
  try {
    if (stats.size > maxBytes) throw tooLarge(shown, String(stats.size), maxBytes);
    const bytes = await readAtMost(file, shown, stats.size, maxBytes);
    return shown.toLowerCase().endsWith('.gz') ? await unpack(bytes, shown, maxBytes) : bytes;
  } catch (error) {
    throw fileError(shown, error);
  } finally {
    await file.close();
  }
}

async function readAtMost(file: FileHandle, shown: string, size: number, maxBytes: number): Promise<Uint8Array> {
  let buffer = Buffer.allocUnsafeSlow(size + 1); // one more, to see the end
  let held = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, held, buffer.length - held, held);
    if (bytesRead === 0) return buffer.subarray(0, held);
    held += bytesRead;
    if (held > maxBytes) throw tooLarge(shown, `more (it grows while it is read)`, maxBytes);
    if (held === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
  }
}

/** @throws DocumentError above `maxBytes`, before more than that is unpacked. */
export function unpack(bytes: Uint8Array, shown: string, maxBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    gunzip(bytes, { maxOutputLength: maxBytes }, (error, unpacked) => {
      if (error === null) resolve(unpacked);
      else if (codeOf(error) === 'ERR_BUFFER_TOO_LARGE') reject(tooLarge(shown, 'more when unpacked', maxBytes));
      else reject(fileError(shown, error));
    });
  });
}
