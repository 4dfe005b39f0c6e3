import { firstValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type JudgeNote, noteJudge } from '../../pipelines/orders-avro/judge-note.ts';
import type { NoteKind } from '../../pipelines/orders-avro/schema.ts';
import { llama } from '../../src/inference/llama/llama.ts';
import { embeddedModelFile, quietContext } from '../helpers/embedded-model.ts';
import { seenNotes, unseenNotes } from '../pipelines/orders-avro/labelled-notes.ts';

const file = await embeddedModelFile();

describe.skipIf(file.path === undefined)('orders with the embedded model', () => {
  let judge: JudgeNote;
  let close = (): Promise<void> => Promise.resolve();
  beforeAll(async () => {
    ({ value: judge, close } = await noteJudge(llama({ model: 'smollm2', flashAttention: false, contextTokens: 512 })).open(
      quietContext(),
    ));
  });
  afterAll(() => close());

  it.each([
    ['that no choice was made by', unseenNotes, 1, 40, 34],
    ['that were in sight', seenNotes, 4, 12, 10], // a quarter of them: each takes 0.4 s
  ] as const)('have their notes sorted as we meant, most of those %s', async (_, notes, every, count, least) => {
    const meant = (Object.entries(notes) as [NoteKind, readonly string[]][])
      .flatMap(([kind, texts]) => texts.map((note) => ({ kind, note })))
      .filter((__, i) => i % every === 0);
    const found = await Promise.all(meant.map(({ note }) => firstValueFrom(judge(note))));
    const wrong = meant.flatMap(({ kind, note }, i) =>
      found[i]?.label === kind ? [] : [`${kind}, not ${String(found[i]?.label)}: ${note}`],
    );
    expect(meant).toHaveLength(count);
    expect(count - wrong.length, wrong.join('\n')).toBeGreaterThanOrEqual(least);
  });
});
