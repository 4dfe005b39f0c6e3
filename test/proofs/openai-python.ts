import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { openRecorder } from './openai-python/record.ts';
import { expected, key, openScene } from './openai-python/scene.ts';

export const name = 'openai-python';
export const summary =
  'the official client for Python, installed from PyPI, against the service: chat, stream, schema, tool, embeddings, errors, abort; half a minute, needs python3 and the network';

const version = '3.54.0';
const execute = promisify(execFile);
const client = join(import.meta.dirname, 'openai-python/client.py');
/** What the client asked: `test/service/openai-python.test.ts` asks the same without Python. MILLRACE_RECORD=1 writes it anew. */
const fixture = join(import.meta.dirname, '../service/fixtures/openai-python.json');

export async function run({ folder, signal, say }: ExperimentContext): Promise<ExperimentResult> {
  const python = await installed(folder, signal, say);
  const { service, running } = await openScene();
  const recorder = await openRecorder(service.url);
  try {
    const { stdout } = await execute(python, [client, `${recorder.url}/v1`, key], { signal });
    const saw = new Map(
      stdout
        .trim()
        .split('\n')
        .map((line) => seenIn(line)),
    );
    const measured = Object.entries(expected).map(([what, passes]): Finding => {
      const measured = saw.get(what);
      return {
        what,
        measured: JSON.stringify(measured ?? null),
        passes: JSON.stringify(passes),
        pass: isDeepStrictEqual(measured, passes),
      };
    });
    const untilMs = performance.now() + 2_000;
    while (running() > 0 && performance.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 20));
    measured.push({ what: 'answers that still run after the abort', measured: String(running()), passes: '0', pass: running() === 0 });
    if (process.env['MILLRACE_RECORD'] === '1')
      await writeFile(fixture, `${JSON.stringify({ version, requests: recorder.requests }, null, 2)}\n`);
    return { measured, pass: true };
  } finally {
    await recorder.close();
    await service.close();
  }
}

/** A Python of its own with the client; or the one that MILLRACE_PYTHON names, which has it. */
async function installed(folder: string, signal: AbortSignal, say: (line: string) => void): Promise<string> {
  const { MILLRACE_PYTHON: given } = process.env;
  if (given !== undefined) return given;
  say(`installing openai ${version} for Python`);
  const venv = join(folder, 'venv');
  await execute('python3', ['-m', 'venv', venv], { signal });
  await execute(join(venv, 'bin/pip'), ['install', '--quiet', `openai==${version}`], { signal });
  return join(venv, 'bin/python');
}

function seenIn(line: string): readonly [string, unknown] {
  const { case: what, saw } = JSON.parse(line) as { readonly case: string; readonly saw: unknown };
  return [what, saw];
}
