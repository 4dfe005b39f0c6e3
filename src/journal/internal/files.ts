import { constants } from 'node:fs';
import { open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { makeFolder } from '../../make-folder.ts';

/** An open file. Positions are in bytes from its beginning. */
export interface JournalFile {
  /** Fills `into` from `position` on, as far as the file goes; 0 at its end. */
  read(into: Buffer, position: number): Promise<number>;
  /** Writes as much of `bytes` as it can. */
  write(bytes: Buffer, position: number): Promise<number>;
  truncate(length: number): Promise<void>;
  /** Resolves when what was written is on the disk, its length included. */
  sync(): Promise<void>;
  /** What tells it from another file of the same name. */
  identity(): Promise<string>;
  close(): Promise<void>;
}

/** The file system, as far as a journal needs it: where tests let disks fill up and break. */
export interface JournalFiles {
  makeFolder(path: string): Promise<void>;
  list(path: string): Promise<readonly string[]>;
  /** To write: made where it is missing, read and written. */
  open(path: string, use: 'read' | 'write'): Promise<JournalFile>;
  /** False where it exists already: of several who try at once, one has true. */
  create(path: string, text: string): Promise<boolean>;
  /** Undefined where it is missing. */
  readText(path: string): Promise<string | undefined>;
  remove(path: string): Promise<void>;
  /** At once: who looks sees the file of before or this one. */
  rename(from: string, to: string): Promise<void>;
  /** Resolves when the names in it are on the disk. */
  syncFolder(path: string): Promise<void>;
}

export const codeOfSystem = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

export const nodeFiles: JournalFiles = {
  makeFolder,
  list: (path) => readdir(path),
  open: async (path, use) => {
    const handle = await open(path, use === 'read' ? constants.O_RDONLY : constants.O_RDWR | constants.O_CREAT, 0o600);
    return {
      read: async (into, position) => (await handle.read(into, 0, into.length, position)).bytesRead,
      write: async (bytes, position) => (await handle.write(bytes, 0, bytes.length, position)).bytesWritten,
      truncate: (length) => handle.truncate(length),
      sync: () => handle.datasync(),
      identity: async () => {
        const { dev, ino, birthtimeMs } = await handle.stat();
        return [dev, ino, birthtimeMs].join(':'); // numbers of files are given again
      },
      close: () => handle.close(),
    };
  },
  create: async (path, text) => {
    try {
      await writeFile(path, text, { flag: 'wx', mode: 0o600 });
      return true;
    } catch (error) {
      if (codeOfSystem(error) === 'EEXIST') return false;
      throw error;
    }
  },
  readText: async (path) => {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if (codeOfSystem(error) === 'ENOENT') return undefined;
      throw error;
    }
  },
  remove: (path) => rm(path, { force: true }),
  rename: (from, to) => rename(from, to),
  syncFolder: async (path) => {
    if (process.platform === 'win32') return; // a folder cannot be opened there; its names are in the file system's own log
    const folder = await open(path, constants.O_RDONLY);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
};
