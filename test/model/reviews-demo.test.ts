import { describe, expect, it } from 'vitest';
import { parseSample } from '../../pipelines/reviews/data.ts';
import { runDemo } from '../../pipelines/reviews/demo.ts';
import { readFileSync } from 'node:fs';
import { systemClock } from '../../src/clock.ts';
import type { Output } from '../../src/command.ts';
import { llama } from '../../src/inference/llama/llama.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { memory } from '../../src/transport/memory/memory.ts';
import { embeddedModelFile } from '../helpers/embedded-model.ts';

const file = await embeddedModelFile();
/** So plain that the model must see them as we do. */
const plain = ['s1_1', 's3_1', 's4_3', 's8_1', 's9_2', 's14_1'];

describe.skipIf(file.path === undefined)('the demo with the embedded model', () => {
  it('judges six sentences of our own as we do, and says what they cost', async () => {
    const sample = parseSample(readFileSync(new URL('../../pipelines/reviews/sample.jsonl', import.meta.url), 'utf8'));
    const sentences = sample.filter(({ id }) => plain.includes(id));
    const results: Record<string, unknown>[] = [];
    const nothing = (): void => undefined;
    const out: Output = {
      ...{ isJson: true, isTty: false, width: 80, line: nothing, note: nothing, live: nothing, table: nothing },
      json: (value) => {
        results.push(value as Record<string, unknown>);
      },
      drained: () => Promise.resolve(),
    };
    const { summary, letters } = await runDemo({
      ...{ transport: memory({ clock: systemClock }), model: llama({ model: 'smollm2', flashAttention: false, contextTokens: 512 }) },
      ...{ asking: 'completion', concurrency: 4, prefix: '', sentences, budgetMs: undefined },
      ...{ clock: systemClock, log: silentLog, out, signal: new AbortController().signal },
    });
    expect(summary).toMatchObject({ records: 7, done: 6, failed: 1, dropped: 0, unfinished: 0, repeated: 0 });
    expect(summary.agreement.beyond1.of).toBe(6);
    expect(summary.agreement.beyond1.share).toBeGreaterThanOrEqual(5 / 6);
    expect(summary.tokens).toBeGreaterThan(6 * 40);
    expect(summary.p99Ms).toBeGreaterThan(0);
    expect(letters.map(({ code }) => code)).toEqual(['decode_failed']);
    expect(results).toHaveLength(6);
    for (const { model, confidence } of results) {
      expect(model).toBe('smollm2');
      expect(confidence).toBeGreaterThan(0.5);
    }
  });
});
