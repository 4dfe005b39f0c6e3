import { opendir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { DocumentError } from '../../errors.ts';
import { fileError } from './file-bytes.ts';

/** A place in a folder, or the reason why there is nothing to be read. */
export type FolderEntry = { readonly id: string; readonly path: string } | { readonly id: string; readonly failure: Error };

interface Names {
  readonly folders: ReadonlySet<string>;
  readonly all: readonly string[];
  /** Links, and what is neither file nor folder. */
  readonly odd: ReadonlyMap<string, string>;
}

async function namesIn(path: string, withHidden: boolean): Promise<Names> {
  const [folders, all, odd] = [new Set<string>(), [] as string[], new Map<string, string>()];
  for await (const entry of await opendir(path, { bufferSize: 1024 })) {
    if (!withHidden && entry.name.startsWith('.')) continue;
    all.push(entry.name);
    if (entry.isDirectory()) folders.add(entry.name);
    else if (entry.isSymbolicLink()) odd.set(entry.name, 'link');
    else if (!entry.isFile()) odd.set(entry.name, entry.isFIFO() ? 'a FIFO' : entry.isSocket() ? 'a socket' : 'a device');
  }
  all.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return { folders, all, odd };
}

/** Where a link leads, when that is a file below `root`; `undefined`: a folder below it, whose files are met where they lie. */
async function target(path: string, id: string, root: string): Promise<string | undefined> {
  const real = await realpath(path);
  if (real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep)) {
    throw new DocumentError(`${id} is a link to a place outside of the folder; copy what it leads to, or leave it out`);
  }
  const names = await opendir(real).catch(() => undefined);
  await names?.close();
  return names === undefined ? real : undefined;
}

export interface FolderRules {
  readonly withHidden: boolean;
  /** A real path, whose files are left out. */
  readonly except: string | undefined;
}

/**
 * All files below `root` (a real path), in the order of their names, folder by folder. Holds the names of one folder on each level. What cannot be listed is an entry of its own, and the
 * others go on.
 */
export async function* folderFiles(root: string, rules: FolderRules, below = ''): AsyncGenerator<FolderEntry, undefined> {
  let names: Names;
  try {
    names = await namesIn(join(root, below), rules.withHidden);
  } catch (error) {
    yield { id: below === '' ? '.' : below, failure: fileError(below === '' ? root : below, error) };
    return undefined;
  }
  for (const name of names.all) {
    const id = below === '' ? name : `${below}/${name}`;
    if (join(root, id) === rules.except) continue;
    if (names.folders.has(name)) yield* folderFiles(root, rules, id);
    else {
      const entry = await entryOf(join(root, id), id, root, names.odd.get(name));
      if (entry !== undefined) yield entry;
    }
  }
  return undefined;
}

async function entryOf(path: string, id: string, root: string, odd: string | undefined): Promise<FolderEntry | undefined> {
  if (id.includes('\ufffd')) return { id, failure: new DocumentError(`${id} has a name that is no UTF-8; rename it`) };
  if (odd === undefined) return { id, path };
  if (odd !== 'link') return { id, failure: new DocumentError(`${id} is ${odd}, not a file; leave it out`) };
  try {
    const real = await target(path, id, root);
    return real === undefined ? undefined : { id, path: real };
  } catch (error) {
    return { id, failure: fileError(id, error) };
  }
}
