import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Entry, type Header, keyOf, parseLines } from '../../../src/inference/cassette/entry.ts';
import { Tape } from '../../../src/inference/cassette/tape.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-tape-'));
  file = join(folder, 'answers.jsonl');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const header = { cassette: 1, model: 'm', capabilities: {} } as unknown as Header;
const entry = (prompt: string): Entry => {
  const asked = { method: 'chat', request: { prompt } } as const;
  return { ...asked, key: keyOf(asked), emitted: [prompt] };
};
const tape = (): Tape => {
  const one = new Tape(file); // as another process has it
  one.header ??= header;
  return one;
};
const prompts = async (): Promise<readonly unknown[]> =>
  parseLines(file, await readFile(file, 'utf8')).entries.map(({ emitted }) => emitted?.[0]);

it('loses nothing of another that records into its file', async () => {
  const [one, other] = [tape(), tape()];
  one.keep(entry('a'));
  other.keep(entry('b'));
  await Promise.all([one.saved(), other.saved()]);
  one.keep(entry('c'));
  await one.saved();
  expect(await prompts()).toEqual(['a', 'b', 'c']);
  expect(existsSync(`${file}.lock`)).toBe(false);
});

it('is begun anew without what was recorded before, and with what others record now', async () => {
  const before = tape();
  before.keep(entry('old'));
  await before.saved();
  const [one, late] = [tape(), tape()];
  await one.beginAnew();
  one.keep(entry('a'));
  await one.saved();
  await late.beginAnew();
  late.keep(entry('b'));
  await late.saved();
  await one.saved(); // at its end it puts in again what the other took away
  expect(await prompts()).toEqual(['a', 'b']);
});

it('tells whoever closes it that it cannot be written', async () => {
  file = join(folder, 'x'.repeat(300));
  const one = tape();
  one.keep(entry('a'));
  await new Promise((resolve) => setImmediate(resolve));
  await expect(one.saved()).rejects.toThrow(/ENAMETOOLONG/);
});

const recorder = (name: string, count: number): ChildProcess => {
  const from = new URL('../../../src/inference/cassette/', import.meta.url);
  const script = `
    const { Tape } = await import(${JSON.stringify(new URL('tape.ts', from).href)});
    const { keyOf } = await import(${JSON.stringify(new URL('entry.ts', from).href)});
    const tape = Tape.of(${JSON.stringify(file)});
    tape.header ??= ${JSON.stringify(header)};
    for (let i = 0; i < ${String(count)}; i += 1) {
      const asked = { method: 'chat', request: { prompt: '${name}' + i } };
      tape.keep({ ...asked, key: keyOf(asked), emitted: ['${name}' + i] });
      await new Promise((resolve) => setImmediate(resolve));
      if (i % 10 === 9) await tape.saved();
    }
    await tape.saved();`;
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'ignore', 'inherit'] });
};
const endOf = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('exit', resolve));

it('has every answer of two processes, and a third that is killed leaves it whole', async () => {
  const children = [recorder('a', 60), recorder('b', 60)];
  const killed = recorder('c', 100_000);
  const gone = endOf(killed);
  const ends = children.map(endOf);
  let whole = 0;
  let isOver = false;
  void Promise.all(ends).then(() => {
    isOver = true;
  });
  const over = (): boolean => isOver;
  while (!over()) {
    if (existsSync(file)) whole += parseLines(file, await readFile(file, 'utf8')).entries.length > 0 ? 1 : 0;
    if (whole === 5) killed.kill('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  killed.kill('SIGKILL');
  await gone;
  expect(await Promise.all(ends)).toEqual([0, 0]);
  const last = tape();
  last.keep(entry('last')); // a lock that was left is taken over
  await last.saved();
  const found = new Set(await prompts());
  for (const name of ['a', 'b']) for (let i = 0; i < 60; i += 1) expect(found).toContain(`${name}${String(i)}`);
  expect(found).toContain('last');
});
