import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { cassette, type CassetteMode } from '../../src/inference/cassette/cassette.ts';
import { toyBackend, toyPrices } from '../helpers/inference/toy-backend.ts';
import { countToyTokens } from '../helpers/inference/toy-language.ts';
import { allOf } from '../helpers/result-of.ts';
import { describeModel, modelRules, runRule } from './describe-model.ts';
import { type ModelUnderTest, ModelWorld } from './model/model-world.ts';
import { openQuietly } from './open-quietly.ts';
import { farSideOf, toyFaults, toyResource } from './toy.ts';

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-cassettes-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A cassette of a toy, with the pauses that the toy made. */
async function taped(mode: CassetteMode, name: string) {
  const toy = toyBackend();
  const { value: model, close } = await openQuietly(
    cassette(toyResource(toy), { file: join(folder, `${name}.jsonl`), mode, timing: 'recorded' }),
  );
  return { model, close, toy };
}

const recording: ModelUnderTest = {
  open: async () => {
    files += 1;
    const { toy, ...opened } = await taped('record', String(files));
    return { ...opened, far: farSideOf([toy]) };
  },
  prices: toyPrices,
  faults: toyFaults,
};
const asked = 'a question is asked once, and played from then on';
describeModel('cassette that records', recording, { skip: [{ rule: 2, reason: asked }] });

describe('what was recorded', () => {
  const replaying: ModelUnderTest = {
    open: () => taped('replay', 'all'),
    prices: toyPrices,
    cannot: { farSide: 'nothing is asked any more', crash: 'nothing computes', faults: 'failures that may pass are not recorded' },
  };

  beforeAll(async () => {
    const opened = await taped('record', 'all');
    // some break a call off, or look at the far side: all that matters is what they ask
    for (const rule of modelRules)
      await runRule(
        rule,
        new ModelWorld({ ...recording, open: () => taped('auto', 'all') }, opened, { eventuallyMs: 2_000, quietMs: 1 }),
      ).catch(() => undefined);
    const { model } = opened;
    await allOf(model.chat('Count to 200', { maxTokens: 300 }));
    const short = 'What do you say?';
    await allOf(model.chat(short, { maxTokens: 1_000 - countToyTokens([{ role: 'user', content: short }]) }));
    await opened.close();
  }, 60_000);

  describeModel('cassette that replays', replaying);
});
