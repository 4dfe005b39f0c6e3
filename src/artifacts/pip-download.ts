import { spawn } from 'node:child_process';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../make-folder.ts';

const pythons = process.platform === 'win32' ? ['py', 'python'] : ['python3', 'python'];
const maxOutput = 4_096;

/**
 * Downloads one package, without what it depends on, into `folder`, with the pip of the first Python found. It is pip that
 * knows the user's index, proxy and certificates. `requirement` pins version and hash (`name==1.0 --hash=sha256:…`): to read
 * a source archive's metadata pip runs its set-up code, which must be the one we have seen. Returns the archive's path; the
 * caller removes the folder.
 *
 * Ends the download when `signal` aborts.
 */
export async function pipDownload(requirement: string, folder: string, signal?: AbortSignal): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await makeFolder(folder);
  const list = `${folder}.txt`; // hashes can be given in a file only
  await writeFile(list, `${requirement}\n`);
  const failures: string[] = [];
  for (const python of pythons) {
    signal?.throwIfAborted();
    const args = [
      '-m',
      'pip',
      'download',
      '--no-deps',
      '--require-hashes',
      '--disable-pip-version-check',
      '--progress-bar',
      'off',
      '--dest',
      folder,
      '--requirement',
      list,
    ];
    const failure = await run(python, args, signal);
    if (failure !== undefined) {
      failures.push(`${python}: ${failure}`);
      continue;
    }
    const [archive] = await readdir(folder);
    if (archive !== undefined) return join(folder, archive);
    failures.push(`${python}: pip left no file`);
  }
  throw new Error(`pip could not download ${requirement} (${failures.join('; ')})`);
}

/** Resolves with what went wrong, or with nothing. */
function run(command: string, args: readonly string[], signal: AbortSignal | undefined): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let errors = '';
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], ...(signal ? { signal } : {}) });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-maxOutput);
    });
    child.on('error', (error) => {
      if (signal?.aborted === true) reject(error);
      else resolve('code' in error && error.code === 'ENOENT' ? 'not installed' : error.message);
    });
    child.on('close', (code) => {
      resolve(code === 0 ? undefined : (lastError(errors) ?? `it ended with ${String(code)}`));
    });
  });
}

/** pip writes pages; the line that says why begins with ERROR. */
function lastError(output: string): string | undefined {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return (lines.findLast((line) => line.startsWith('ERROR')) ?? lines.at(-1))?.slice(0, 300);
}
