import { EMPTY, firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.ts';
import { labelByExamples } from '../../src/inference/label-by-examples.ts';
import type { Model } from '../../src/inference/model.ts';
import { scripted } from '../../src/inference/scripted/scripted.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

const context = { clock: virtualClock(), signal: new AbortController().signal, log: () => undefined };
const examples = { sound: ['the bass is deep', 'voices are muffled'], price: ['a bargain for me', 'far too expensive'] };

describe('labelByExamples', () => {
  it('embeds the examples at once and each text once, led as they are', async () => {
    const model = scripted('no chat');
    const { value } = await model.open(context);
    const seen: (readonly string[])[] = [];
    const spied: Model = {
      ...value,
      capabilities: value.capabilities,
      embed: (texts, ctx) => {
        seen.push(texts);
        return value.embed(texts, ctx);
      },
    };
    const label = await labelByExamples(spied, { examples, lead: (text) => `${text}!`, neighbours: 1 });
    const found = await firstValueFrom(label('far too expensive'));
    expect(found).toMatchObject({ label: 'price', confidence: 1, probabilities: { sound: 0, price: 1 }, model: 'scripted' });
    expect(found.usage.totalTokens).toBeGreaterThan(0);
    expect(seen).toEqual([['the bass is deep!', 'voices are muffled!', 'a bargain for me!', 'far too expensive!'], ['far too expensive!']]);
  });

  it.each<readonly [string, object, RegExp]>([
    ['no labels', { examples: {} }, /at least one label/],
    ['a label without examples', { examples: { a: [] } }, /examples\.a must be a list of at least one text/],
    ['examples that are no texts', { examples: { a: [1] } }, /examples\.a must be/],
    ['a list', { examples: [] }, /lists of texts by their labels|at least one label/],
    ['no neighbours', { examples, neighbours: 0 }, /neighbours must be/],
    ['a typo', { examples, leads: 1 }, /did you mean lead/],
  ])('refuses %s', async (_, options, message) => {
    const { value } = await scripted('').open(context);
    const made = labelByExamples(value, options as never);
    await expect(made).rejects.toThrow(message);
    await expect(made).rejects.toThrow(OptionError);
  });

  it('fails where the model embeds less than it was given', async () => {
    const { value } = await scripted('').open(context);
    await expect(labelByExamples({ ...value, embed: () => EMPTY }, { examples })).rejects.toMatchObject({ code: 'model_failed' });
  });
});
