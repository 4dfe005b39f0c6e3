import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { testJournal } from '../helpers/open-journal.ts';

/** Says of each append that it is on the disk, until it is killed. */
const program = `
  const { journal, systemClock } = await import(process.argv[1]);
  const { value } = await journal({ dir: process.argv[2] }).open({ clock: systemClock, signal: new AbortController().signal, log: () => undefined });
  await Promise.all(Array.from({ length: 8 }, async (_, lane) => {
    for (let n = Number(process.argv[3]) + lane; ; n += 8) {
      await value.append(n, { text: ('of ' + n + ' ').repeat(40) });
      process.stdout.write(n + '\\n');
    }
  }));`;

/** A process that appends until it has said so often enough, and is killed in the midst of it. */
async function killedAfter(dir: string, from: number, lines: number): Promise<readonly number[]> {
  const ours = new URL('../../src/index.ts', import.meta.url).href;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, ours, dir, String(from)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (said.split('\n').length > lines) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return said.split('\n').slice(0, -1).map(Number);
}

it('holds what an append has resolved for, whenever its process is killed, in one file', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-journal-'));
  const finished: number[] = [];
  for (const [from, lines] of [
    [0, 20],
    [1_000_000, 31],
  ] as const)
    finished.push(...(await killedAfter(dir, from, lines)));
  const { journal, told, close } = await testJournal({ dir });
  const missing: number[] = [];
  for (const n of finished) {
    const entry = await journal.get(n);
    if ((entry?.value as { text?: string } | undefined)?.text !== `of ${String(n)} `.repeat(40)) missing.push(n);
  }
  await close();
  expect([finished.length >= 50, missing, told, await readdir(dir)]).toEqual([true, [], [], ['journal-0.jsonl']]);
  await rm(dir, { recursive: true });
});
