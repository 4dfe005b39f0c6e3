import { open, realpath, stat } from 'node:fs/promises';
import { relative, isAbsolute, basename, dirname, join, sep } from 'node:path';
import { sha256Of } from '../../../artifacts/cached-file.ts';
import { InferenceError, messageOf, OptionError } from '../../../errors.ts';
import { fileIdentity } from './file-identity.ts';
import { type GgufHeader, readGgufHeader } from './read-gguf-header.ts';

export interface FileRules {
  /** Models lie below it; undefined: anywhere. */
  readonly modelRoot: string | undefined;
  /** Of one file. */
  readonly maxModelBytes: number;
  /** Of the file, in hexadecimal digits; undefined: not checked. */
  readonly sha256: string | undefined;
}

/** A file that native code may see. */
export interface CheckedFile {
  /** With all links followed. */
  readonly path: string;
  /** Of the file that was looked at: see {@link fileIdentity}. */
  readonly identity: string;
  readonly header: GgufHeader;
}

/**
 * Looks at a model's file, and at the others that it is split into, before native code does: where it lies, what it is, how long, what its
 * header says, and its checksum where one is asked for.
 *
 * @throws OptionError for a file outside of `modelRoot` or above `maxModelBytes`; InferenceError `model_not_found`, `model_damaged`.
 */
export async function checkModelFile(path: string, rules: FileRules): Promise<CheckedFile> {
  const first = await checkOne(path, rules);
  if (first.header.parts === 1) return first;
  if (rules.sha256 !== undefined) throw new OptionError('llama.sha256 is of one file, and the model is split into several: join them');
  for (const other of partsOf(path, first.header.parts)) await checkOne(other, rules);
  // the loader finds the others beside the path that it is given, by their names
  return { ...first, path };
}

async function checkOne(path: string, rules: FileRules): Promise<CheckedFile> {
  const real = await realpath(path).catch(() => undefined);
  const facts = real === undefined ? undefined : await stat(real).catch(() => undefined);
  if (rules.modelRoot !== undefined) await requireInside(rules.modelRoot, real ?? path);
  if (real === undefined || facts === undefined)
    throw new InferenceError('model_not_found', `there is no model file at ${path}: check the path, or run \`millrace pull\``);
  if (!facts.isFile())
    throw new InferenceError('model_not_found', `there is no model file at ${path}: expected a regular file, got something else there`);
  if (facts.size > rules.maxModelBytes) {
    const most = `llama.maxModelBytes (${String(rules.maxModelBytes)})`;
    throw new OptionError(
      `expected a model file of at most ${most} bytes, got ${String(facts.size)} at ${path}: raise it, or take another`,
    );
  }
  const header = await headerOf(real, facts.size).catch((error: unknown) => {
    throw new InferenceError('model_damaged', `${path} (${String(facts.size)} bytes) cannot be loaded: ${messageOf(error)}`);
  });
  if (rules.sha256 !== undefined) await requireChecksum(real, path, rules.sha256);
  return { path: real, identity: fileIdentity(facts), header }; // of before: what was changed meanwhile is another
}

async function headerOf(path: string, fileBytes: number): Promise<GgufHeader> {
  const file = await open(path, 'r');
  try {
    return await readGgufHeader(file, fileBytes);
  } finally {
    await file.close();
  }
}

async function requireInside(root: string, path: string): Promise<void> {
  const folder = await realpath(root).catch(() => {
    throw new OptionError(`llama.modelRoot must be a folder, there is none at ${root}`);
  });
  const way = relative(folder, path);
  if (way !== '' && !isAbsolute(way) && way.split(sep)[0] !== '..') return;
  throw new OptionError(`expected a model below llama.modelRoot (${root}), got ${path}: put it there, or change llama.modelRoot`);
}

async function requireChecksum(real: string, path: string, expected: string): Promise<void> {
  const got = await sha256Of(real);
  if (got === expected.toLowerCase()) return;
  throw new InferenceError('model_damaged', `${path} has the SHA-256 ${got}, expected ${expected} (llama.sha256): fetch it again`);
}

const numbered = /^(.*)-\d{5}-of-(\d{5})\.gguf$/;

/** The files of a split model beside its first. @throws InferenceError for a name that does not say which part it is. */
function partsOf(path: string, parts: number): readonly string[] {
  const [, stem, count] = numbered.exec(basename(path)) ?? [];
  const of = String(parts).padStart(5, '0');
  if (stem === undefined || count !== of)
    throw new InferenceError(
      'model_damaged',
      `${path} is one of ${String(parts)} files: expected a name such as model-00001-of-${of}.gguf`,
    );
  return Array.from({ length: parts }, (_, at) => join(dirname(path), `${stem}-${String(at + 1).padStart(5, '0')}-of-${of}.gguf`)).filter(
    (one) => one !== path,
  );
}
