import type { JournalFile, JournalFiles } from '../../src/journal/internal/files.ts';

export const systemError = (code: string): Error => Object.assign(new Error(`${code}: said by the test`), { code });

type Doing =
  | 'makeFolder'
  | 'list'
  | 'open'
  | 'create'
  | 'readText'
  | 'remove'
  | 'rename'
  | 'syncFolder'
  | 'read'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'close';

export interface FakeFiles extends JournalFiles {
  /** What is written and what is on the disk: after a loss of power the latter is left. */
  readonly contents: Map<string, Buffer>;
  readonly synced: Map<string, Buffer>;
  readonly done: string[];
  /** Asked before each step: an error fails it; a number lets so many bytes be written, or read. */
  fault: (doing: Doing, path: string) => Error | number | undefined;
  /** Holds back what is being synced until it is called. */
  hold(): () => void;
}

/** A file system in memory that fails as it is told. */
export function fakeFiles(): FakeFiles {
  const contents = new Map<string, Buffer>();
  const synced = new Map<string, Buffer>();
  const done: string[] = [];
  const born = new Map<string, number>();
  let births = 0;
  let held = Promise.resolve();
  const step = (doing: Doing, path: string): number => {
    done.push(doing);
    const fault = self.fault(doing, path);
    if (fault instanceof Error) throw fault;
    return fault ?? Infinity;
  };
  const bytesOf = (path: string): Buffer => contents.get(path) ?? Buffer.alloc(0);
  /** Open files, by what they are called now: a name may be given to another one. */
  const handles: { path: string }[] = [];
  const fileAt = (path: string): JournalFile => {
    const handle = { path };
    handles.push(handle);
    return fileOf(handle);
  };
  const fileOf = (handle: { readonly path: string }): JournalFile => ({
    read: async (into, position) => {
      const most = step('read', handle.path);
      return Promise.resolve(
        bytesOf(handle.path).copy(into, 0, position, Math.min(bytesOf(handle.path).length, position + Math.min(into.length, most))),
      );
    },
    write: async (bytes, position) => {
      const count = Math.min(step('write', handle.path), bytes.length);
      const before = bytesOf(handle.path);
      const after = Buffer.alloc(Math.max(before.length, position + count));
      before.copy(after);
      bytes.copy(after, position, 0, count);
      contents.set(handle.path, after);
      return Promise.resolve(count);
    },
    truncate: async (length) => {
      step('truncate', handle.path);
      contents.set(handle.path, Buffer.from(bytesOf(handle.path).subarray(0, length)));
      return Promise.resolve();
    },
    sync: async () => {
      await held;
      step('sync', handle.path);
      synced.set(handle.path, Buffer.from(bytesOf(handle.path)));
    },
    identity: () => Promise.resolve(String(born.get(handle.path))),
    close: async () => {
      step('close', handle.path);
      return Promise.resolve();
    },
  });
  const inOrder =
    <A extends readonly unknown[], R>(doing: Doing, work: (path: string, ...rest: A) => R) =>
    async (path: string, ...rest: A): Promise<R> => {
      step(doing, path);
      return Promise.resolve(work(path, ...rest));
    };
  const self: FakeFiles = {
    contents,
    synced,
    done,
    fault: () => undefined,
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      held = promise.then(() => undefined);
      return () => {
        resolve(undefined);
      };
    },
    makeFolder: inOrder('makeFolder', () => undefined),
    list: inOrder('list', (path) =>
      [...contents.keys()]
        .filter((name) => name.startsWith(`${path}/`) && !name.endsWith(' as it was'))
        .map((name) => name.slice(path.length + 1)),
    ),
    open: inOrder('open', (path, use: 'read' | 'write') => {
      if (use === 'read' && !contents.has(path)) throw systemError('ENOENT');
      if (!contents.has(path)) born.set(path, (births += 1));
      contents.set(path, bytesOf(path));
      return fileAt(path);
    }),
    create: inOrder('create', (path, text: string) => {
      if (contents.has(path)) return false;
      contents.set(path, Buffer.from(text));
      return true;
    }),
    readText: inOrder('readText', (path) => contents.get(path)?.toString()),
    remove: inOrder('remove', (path) => {
      contents.delete(path);
    }),
    rename: inOrder('rename', (from, to: string) => {
      for (const handle of handles) handle.path = handle.path === to ? `${to} as it was` : handle.path === from ? to : handle.path;
      contents.set(`${to} as it was`, bytesOf(to));
      born.set(`${to} as it was`, born.get(to) ?? 0);
      for (const kept of [contents, synced]) {
        kept.set(to, kept.get(from) ?? Buffer.alloc(0)); // what was not synced is not there after a loss of power
        kept.delete(from);
      }
      born.set(to, born.get(from) ?? 0);
    }),
    syncFolder: inOrder('syncFolder', () => undefined),
  };
  return self;
}
