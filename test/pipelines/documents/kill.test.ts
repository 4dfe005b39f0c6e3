import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../../proofs/documents-kill.ts';

it('killed with -9 twice, and started anew: no call for what is in the journal, every document once, in whole lines', async ({
  signal,
}) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-documents-'));
  try {
    const { measured } = await run({ short: true, signal, folder, say: () => undefined });
    expect(measured.filter(({ pass }) => !pass)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 180_000);
