import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { embeddedModelFile } from '../helpers/embedded-model.ts';
import * as aborts from '../proofs/model-aborts.ts';
import * as alike from '../proofs/model-alike.ts';
import * as crashes from '../proofs/model-crashes.ts';
import * as files from '../proofs/model-files.ts';
import * as answers from '../proofs/schema-answers.ts';

const file = await embeddedModelFile();

describe.skipIf(file.path === undefined)('the short form of a proof', () => {
  it.each([aborts, alike, crashes, files, answers])('$name: $summary', { timeout: 400_000 }, async (experiment) => {
    const folder = await mkdtemp(join(tmpdir(), `millrace-${experiment.name}-`));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const { measured } = await experiment.run({ short: true, signal: new AbortController().signal, folder, say: () => undefined });
    expect(measured.length).toBeGreaterThan(3);
    expect(measured.filter(({ pass }) => !pass).map((one) => `${one.what}: ${one.measured}, not ${one.passes}`)).toEqual([]);
  });
});
