import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { documentsCommand } from '../../../pipelines/documents/command.ts';
import {
  automaticBatchSize,
  resolveDocumentsSettings,
  settingsFrom,
  settingsTable,
  variableOf,
} from '../../../pipelines/documents/settings.ts';

const from = (flags: object = {}, env: Readonly<Record<string, string>> = {}, preset?: string) =>
  settingsFrom({ flags: flags as Record<string, unknown>, env, preset });

describe('settings of documents', () => {
  it('have the defaults that are promised', () => {
    expect(from()).toEqual({
      ...{ batchSize: 5, concurrency: 3, timeoutMs: 30_000, attempts: 2, temperature: 0, chunkTokens: 'auto', overlapTokens: 0 },
      ...{ order: 'input', vote: 'weighted', memoryMb: 1_024, window: 1_000, maxDocumentBytes: 67_108_864, modelPatienceMs: 300_000 },
    });
  });

  it('come from flags, else from the environment, else from the preset', () => {
    expect(from({}, {}, 'bulk')).toMatchObject({ batchSize: 10, concurrency: 5 });
    const env = { MILLRACE_DOCUMENTS_BATCH_SIZE: '7', MILLRACE_DOCUMENTS_CONCURRENCY: '' };
    expect(from({}, env, 'bulk')).toMatchObject({ batchSize: 7, concurrency: 5 });
    expect(from({ batchSize: 'auto' }, env)).toMatchObject({ batchSize: 'auto', concurrency: 3 });
  });

  it.each(Object.entries(settingsTable))('%s is an option, a flag and a variable, and stands so on the page', async (key, row) => {
    const flag = `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    expect(() => resolveDocumentsSettings({ [key]: 'nonsense' })).toThrow(`${key} must be`);
    expect(() => from({ [key]: 'nonsense' })).toThrow(`${flag} must be`);
    expect(documentsCommand.options).toHaveProperty(key); // whose flag the command line makes of it
    const page = await readFile(new URL('../../../pipelines/documents/README.md', import.meta.url), 'utf8');
    const usual = row.default === undefined ? /\d+ behind a URL, none in process/.source : String(row.default);
    expect(page).toMatch(new RegExp(`^\\| \`${key}\` \\| \`${flag}\` \\| \`${variableOf(key)}\` \\| ${usual} \\| .+ \\|$`, 'm'));
  });

  it('take the preset from the environment, too', () => {
    expect(from({}, { MILLRACE_DOCUMENTS_PRESET: 'bulk' })).toMatchObject({ batchSize: 10, concurrency: 5 });
    expect(() => from({}, { MILLRACE_DOCUMENTS_PRESET: 'fast' })).toThrow('MILLRACE_DOCUMENTS_PRESET must be one of bulk, got "fast"');
  });

  it.each(Object.keys(settingsTable))('%s has a variable of the environment that is read', (key) => {
    expect(() => from({}, { [variableOf(key)]: 'nonsense' })).toThrow(variableOf(key));
  });

  it.each([
    [{ batchSize: '0' }, '--batch-size must be an integer from 1 to 10000, or auto, got "0"'],
    [{ temperature: '2.5' }, '--temperature must be a number from 0 to 2, got "2.5"'],
    [{ attempts: '1.5' }, '--attempts must be an integer from 1 to 100, got "1.5"'],
    [{ order: 'random' }, '--order must be one of input, completion, got "random"'],
    [{ chunkTokens: '100', overlapTokens: '51' }, 'overlapTokens must be at most half of chunkTokens (100), got 51'],
  ])('refuse %j', (flags, message) => {
    expect(() => from(flags)).toThrow(message);
  });

  it('refuse a preset that there is none of', () => {
    expect(() => from({}, {}, 'fast')).toThrow('--preset must be one of bulk, got "fast"');
  });

  it('are checked in code, too', () => {
    expect(() => resolveDocumentsSettings({ concurrency: 0 })).toThrow('concurrency must be an integer from 1 to 256, got 0');
  });

  it('follow cores and memory where they are automatic', () => {
    expect([
      automaticBatchSize({ cores: 2, memoryMb: 1_024 }),
      automaticBatchSize({ cores: 64, memoryMb: 1_024 }),
      automaticBatchSize({ cores: 1, memoryMb: 16 }),
    ]).toEqual([8, 32, 1]);
  });
});
