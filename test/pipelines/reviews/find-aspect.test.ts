import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { aspectExamples, aspects } from '../../../pipelines/reviews/aspect-examples.ts';
import { aspectFinder } from '../../../pipelines/reviews/find-aspect.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';

const context = { clock: virtualClock(), signal: new AbortController().signal, log: () => undefined };

describe('the finder of aspects', () => {
  it('embeds the examples once and each text once', async () => {
    const model = scripted('no chat');
    const { value: find } = await aspectFinder(model).open(context);
    const found = await Promise.all(
      ['the sound is clear and the bass is deep.', 'great value for the money.'].map((text) => firstValueFrom(find(text))),
    );
    expect(found.map(({ aspect }) => aspect)).toEqual(['sound', 'price']);
    expect(found.every(({ tokens }) => tokens > 0)).toBe(true);
    expect(model.stats.calls).toBe(3);
  });

  it('asks a model that has no embeddings', async () => {
    const model = scripted([{ prompt: /my words/, says: '{"label": "battery"}' }], { capabilities: { embeddings: false } });
    const { value: find } = await aspectFinder(model).open(context);
    expect(await firstValueFrom(find('my words'))).toMatchObject({ aspect: 'battery' });
  });

  it('has a few different examples of each aspect', () => {
    const all = aspects.flatMap((aspect) => aspectExamples[aspect]);
    expect(new Set(all).size).toBe(all.length);
    for (const aspect of aspects) expect(aspectExamples[aspect].length).toBeGreaterThanOrEqual(5);
  });
});
