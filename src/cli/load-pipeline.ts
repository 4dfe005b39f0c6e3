import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isStreamError, messageOf, OptionError } from '../errors.ts';
import type { Pipeline } from '../pipeline.ts';
import { nearest } from '../nearest.ts';

const extensions = ['.ts', '.mts', '.js', '.mjs', '.cjs'];
const how = 'export default definePipeline({ … })';

/** The pipeline's file: as named, or `pipeline.ts` in the folder that was named. @throws OptionError with what was meant, perhaps */
export function findPipeline(given: string, cwd: string): string {
  const path = resolve(cwd, given);
  if (!existsSync(path)) {
    const near = existsSync(dirname(path)) ? nearest(basename(path), readdirSync(dirname(path))) : undefined;
    throw new OptionError(`there is no file ${path}${near === undefined ? '' : `; did you mean ${join(dirname(given), near)}?`}`);
  }
  if (statSync(path).isDirectory()) {
    const inside = extensions.map((extension) => join(path, `pipeline${extension}`)).find((one) => existsSync(one));
    if (inside === undefined) throw new OptionError(`${path} is a folder without a pipeline.ts: name the file`);
    return inside;
  }
  if (!extensions.includes(extname(path)))
    throw new OptionError(`${path} is no pipeline: its name must end in one of ${extensions.join(', ')}`);
  return path;
}

/**
 * The default export of a file, which must be a pipeline.
 * @throws OptionError saying what the file holds instead, or why it cannot be loaded
 */
export async function loadPipeline(path: string): Promise<Pipeline> {
  requireSameCopy(path);
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new OptionError(`${path} cannot be loaded: ${loadError(error, path)}`, { cause: error });
  }
  const found = unwrapped(exported['default']);
  if (isPipeline(found)) return found;
  const named = Object.keys(exported).find((name) => isPipeline(exported[name]));
  if (found === undefined) {
    throw new OptionError(
      `${path} has no default export${named === undefined ? `; write: ${how}` : `, but exports a pipeline as ${named}: export it with "export default ${named}"`}`,
    );
  }
  const spec = typeof found === 'object' && found !== null && 'process' in found && 'input' in found;
  throw new OptionError(
    `the default export of ${path} is ${spec ? 'a description that nobody has checked' : 'not a pipeline'}; write: ${how}`,
  );
}

/** A CommonJS module's `exports.default` comes with one more wrapping. */
const unwrapped = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'default' in value && !isPipeline(value) ? value.default : value;

const isPipeline = (value: unknown): value is Pipeline =>
  typeof value === 'object' &&
  value !== null &&
  'inputs' in value &&
  'outputs' in value &&
  'groupId' in value &&
  'process' in value &&
  typeof value.process === 'function';

/** The message, and the first place in a file of the user's. */
function loadError(error: unknown, path: string): string {
  if (isStreamError(error)) return error.message;
  const stack = error instanceof Error && error.stack !== undefined ? error.stack : '';
  // a syntax error's stack begins with the place, others' with the message
  const place =
    /^(file:\/\/)?(\/.*?:\d+)(:\d+)?$/m.exec(stack)?.[2] ??
    stack
      .split('\n')
      .find((line) => line.includes('    at ') && line.includes(dirname(path)))
      ?.trim();
  const hint = stack.includes('ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')
    ? ' (Node strips types only: no enum, no namespace, no parameter properties)'
    : '';
  return `${messageOf(error)}${hint}${place === undefined ? '' : ` (${place})`}`;
}

/** Envelopes of one copy mean nothing to another: better said here than found as a strange failure of each record. */
function requireSameCopy(path: string): void {
  let theirs: string;
  try {
    theirs = realpathSync(createRequire(path).resolve('millrace/package.json'));
  } catch {
    return; // it does not use us by name
  }
  const ours = ['../../package.json', '../../../package.json'].map((up) => join(import.meta.dirname, up)).find((one) => existsSync(one));
  if (ours === undefined || realpathSync(ours) === theirs) return;
  throw new OptionError(
    `${path} uses the millrace in ${dirname(theirs)}, this is the one in ${dirname(ours)}: run it with \`npx millrace run ${relative(dirname(theirs), path)}\` from there`,
  );
}
