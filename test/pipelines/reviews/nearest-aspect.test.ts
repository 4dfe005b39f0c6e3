import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { aspectExamples, aspects } from '../../../pipelines/reviews/aspect-examples.ts';
import { aspectFinder, nearestAspect } from '../../../pipelines/reviews/nearest-aspect.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';

const vector = (...numbers: number[]): Float32Array => Float32Array.from(numbers);
const context = { clock: virtualClock(), signal: new AbortController().signal, log: () => undefined };

describe('nearestAspect', () => {
  // all point almost the same way, as the vectors of sentences do: only what differs from their mean counts
  const common = 100;
  const examples = [
    ...[1, 1.1, 0.9].map((x) => ({ aspect: 'sound' as const, vector: vector(common, x, 0) })),
    ...[1, 1.1, 0.9].map((x) => ({ aspect: 'price' as const, vector: vector(common, 0, x) })),
    { aspect: 'other' as const, vector: vector(common, -1, -1) },
  ];
  const nearest = nearestAspect(examples);

  it.each([
    [vector(common, 0.8, 0.1), 'sound'],
    [vector(common, 0.1, 0.8), 'price'],
    [vector(common, -3, -3), 'other'],
  ] as const)('of %s is %s', (of, expected) => {
    expect(nearest(of)).toBe(expected);
  });

  it('is other where nothing is near', () => {
    expect(nearestAspect([])(vector(1, 2))).toBe('other');
  });
});

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
