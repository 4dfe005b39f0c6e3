import { Observable } from 'rxjs';
import { expect } from 'vitest';
import { type CallScope, currentScope, inScope } from '../../../src/call.ts';
import type { ModelRule } from './rule.ts';

/** A call within a scope with a budget's meter, and what the two are told. */
function metered<T>(call: Observable<T>) {
  const told = { requests: 0, received: 0, inputTokens: 0, outputTokens: 0, countedTokens: 0 };
  const scope: CallScope = {
    ...currentScope(),
    used: ({ inputTokens, outputTokens }) => {
      told.countedTokens += inputTokens + outputTokens;
    },
    meter: {
      observe: () => undefined,
      sent: () => undefined,
      received: (tokens) => {
        told.received += tokens;
      },
      used: ({ inputTokens, outputTokens }) => {
        told.requests += 1;
        told.inputTokens += inputTokens;
        told.outputTokens += outputTokens;
      },
    },
  };
  return { told, call: new Observable<T>((out) => inScope(scope, () => call.subscribe(out))) };
}

const verdictSchema = { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'], additionalProperties: false } as const;

export const countRules: readonly ModelRule[] = [
  {
    rule: 45,
    says: 'countTokens is the input that usage tells; where it is an estimate, it grows with the prompt',
    partly: ['exactTokens', 'oneRequest'],
    test: async (world) => {
      const count = (prompt: string): Promise<number> => world.one(world.model.countTokens(prompt));
      const [short, long] = [await count(world.asks.short), await count(`${world.asks.short} ${'and more of it '.repeat(10)}`)];
      expect(Number.isInteger(short) && short > 0).toBe(true);
      expect(long).toBeGreaterThan(short + 10);
      if (!world.can('exactTokens') || !world.can('oneRequest')) return;
      const chunks = await world.all(world.model.chat(world.asks.short, { maxTokens: 3 }));
      expect(chunks.at(-1)?.usage?.inputTokens).toBe(short);
    },
  },
  {
    rule: 46,
    says: 'estimate is at least what a call uses: the prompt and the longest answer',
    partly: ['exactTokens'],
    test: async (world) => {
      const options = { maxTokens: 30 };
      const estimated = await world.one(world.model.estimate(world.asks.short, options));
      expect(estimated).toBeGreaterThanOrEqual((await world.one(world.model.countTokens(world.asks.short))) + 30);
      expect(await world.one(world.model.estimate(world.asks.short, { maxTokens: 31 }))).toBeGreaterThan(estimated);
      if (!world.can('exactTokens')) return;
      const chunks = await world.all(world.model.chat(world.asks.short, options));
      expect(chunks.at(-1)?.usage?.totalTokens).toBeLessThanOrEqual(estimated);
    },
  },
  {
    rule: 47,
    says: 'the last piece tells the cost by the prices, cached tokens at theirs',
    needs: ['prices'],
    test: async (world) => {
      const { inputPerMillion = 0, outputPerMillion = 0, cachedPerMillion = inputPerMillion } = world.under.prices ?? {};
      for (let time = 0; time < 2; time += 1) {
        const last = (await world.all(world.model.chat(world.asks.short, { maxTokens: 5 }))).at(-1);
        const { inputTokens = 0, cachedTokens = 0, outputTokens = 0 } = last?.usage ?? {};
        const cost = (inputTokens - cachedTokens) * inputPerMillion + cachedTokens * cachedPerMillion + outputTokens * outputPerMillion;
        expect(last?.cost).toBeCloseTo(cost / 1e6, 12);
        expect(cost).toBeGreaterThan(0);
      }
    },
  },
  {
    rule: 48,
    says: 'what a prompt has in common with one before is told as cached, and is less than all of it',
    needs: ['cachedPrefix'],
    test: async (world) => {
      const fixed = 'You judge mills and millers. Be strict, be brief, be fair to whoever has built them. '.repeat(2);
      await world.all(world.model.chat(`${fixed}First: loud.`, { maxTokens: 2 }));
      const { cachedTokens = 0, inputTokens = 0 } =
        (await world.all(world.model.chat(`${fixed}Second: quiet.`, { maxTokens: 2 }))).at(-1)?.usage ?? {};
      expect(cachedTokens).toBeGreaterThan(10);
      expect(cachedTokens).toBeLessThan(inputTokens);
    },
  },
  {
    rule: 49,
    says: 'budgets are told once for each request: what it used, as the answer says it; a repair is a request',
    partly: ['oneRequest'],
    test: async (world) => {
      const chat = metered(world.model.chat(world.asks.short, { maxTokens: 6 }));
      const usage = (await world.all(chat.call)).at(-1)?.usage;
      expect([chat.told.inputTokens, chat.told.outputTokens]).toEqual([usage?.inputTokens, usage?.outputTokens]);
      expect(chat.told.countedTokens).toBe(usage?.totalTokens);
      let rounds = 0;
      const validate = (value: unknown) => ((rounds += 1) % 2 === 1 ? { issues: [{ message: 'no' }] } : { value });
      const schema = { '~standard': { version: 1, vendor: 'test', validate } } as const;
      const answer = metered(world.model.answer('Judge.', { schema, jsonSchema: verdictSchema, repairs: 4, maxTokens: 40 }));
      const answered = await world.one(answer.call);
      expect([answer.told.inputTokens, answer.told.outputTokens]).toEqual([answered.usage.inputTokens, answered.usage.outputTokens]);
      if (world.can('oneRequest')) expect([chat.told.requests, answer.told.requests]).toEqual([1, 2]);
    },
  },
  {
    rule: 50,
    says: 'state tells what runs, once and without waiting, and 0 when nothing does',
    test: async (world) => {
      await world.idle();
      const { prompt, options } = world.asks.long;
      const call = world.listen(world.model.chat(prompt, options));
      const { running, waiting, slots, kvUse = 0 } = await world.one(world.model.state());
      if (call.end === 'running') expect(running + waiting).toBeGreaterThanOrEqual(1);
      if (slots !== undefined) expect(slots).toBeGreaterThan(0);
      expect(kvUse).toBeGreaterThanOrEqual(0);
      expect(kvUse).toBeLessThanOrEqual(1);
      call.leave();
      await world.idle();
      expect(await world.one(world.model.state())).toMatchObject({ running: 0, waiting: 0 });
    },
  },
  {
    rule: 51,
    says: 'warmUp completes, emits nothing and changes nothing, also twice at once',
    test: async (world) => {
      const both = await Promise.all([world.all(world.model.warmUp()), world.all(world.model.warmUp())]);
      expect(both).toEqual([[], []]);
      const { prompt, options, text } = world.asks.exactly('warm');
      const chunks = await world.all(world.model.chat(prompt, options));
      expect(chunks.map((chunk) => chunk.text).join('')).toBe(text);
      await world.idle();
    },
  },
];
