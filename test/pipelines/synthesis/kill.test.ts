import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run as judgePairs } from '../../proofs/pair-quality.ts';
import { run } from '../../proofs/synthesis-kill.ts';

it('killed with -9, the run and a process of a seed: each seed has one result, no line is torn, nothing is left running', async ({
  signal,
}) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-synthesis-'));
  try {
    const { measured } = await run({ short: true, signal, folder, say: () => undefined });
    expect(measured.filter(({ pass }) => !pass)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 600_000); // as long as a machine that does much else may take

it('the checks find what was planted', async ({ signal }) => {
  const { measured } = await judgePairs({ short: true, signal, folder: '', say: () => undefined });
  expect(measured.filter(({ pass }) => !pass)).toEqual([]);
});
