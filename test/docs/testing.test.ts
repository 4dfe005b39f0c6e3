import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

const read = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('the page on testing', () => {
  it.each(['simulate', 'cassette'])('shows the %s example as it is', async (name) => {
    const shown = (await read(`test/docs/${name}-example.ts`)).replace('../../pipelines/first/pipeline.ts', './pipeline.ts').trim();
    expect(await read('src/testing.md')).toContain(`\`\`\`ts\n${shown}\n\`\`\``);
  });

  it('simulates a pipeline that keeps every promise', { timeout: 180_000 }, async () => {
    const { report } = await import('./simulate-example.ts');
    expect(report.message).toBe('20 seeds, no problem');
  });

  it('replays what a model has said', async () => {
    const { judged } = await import('./cassette-example.ts');
    expect(judged.map(({ value }) => value)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id: '1', mood: 'positive' }),
        expect.objectContaining({ id: '2', mood: 'negative' }),
      ]),
    );
  });
});
