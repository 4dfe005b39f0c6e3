import { access, readFile, writeFile } from 'node:fs/promises';
import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { expect, it } from 'vitest';
import { SharedPrefixes } from '../../../../src/inference/llama/child/shared-prefixes.ts';

const never = new AbortController().signal;
const tokens = (from: number, count: number): Token[] => Array.from({ length: count }, (_, i) => (from + i) as Token);

/** A sequence that counts what it evaluates, and evaluates a piece when it is told to. */
class FakeSequence {
  contextTokens: Token[] = [];
  evaluated = 0;
  paths: string[] = [];
  readonly needsCheckpoints = false;
  readonly tokenMeter = { usedInputTokens: 0 };
  gate: Promise<void> = Promise.resolve();
  fails = false;

  get nextTokenIndex(): number {
    return this.contextTokens.length;
  }
  adaptStateToTokens(wanted: readonly Token[]): Promise<void> {
    const differs = this.contextTokens.findIndex((one, i) => one !== wanted[i]);
    if (differs >= 0) this.contextTokens = this.contextTokens.slice(0, differs);
    return Promise.resolve();
  }
  async evaluateWithoutGeneratingNewTokens(more: readonly Token[]): Promise<void> {
    await this.gate;
    this.evaluated += more.length;
    this.contextTokens = [...this.contextTokens, ...more];
  }
  async saveStateToFile(path: string): Promise<void> {
    if (this.fails) throw new Error('no space left on device');
    this.paths.push(path);
    await writeFile(path, JSON.stringify(this.contextTokens));
  }
  async loadStateFromFile(path: string): Promise<void> {
    this.contextTokens = JSON.parse(await readFile(path, 'utf8')) as Token[];
  }
  clearHistory(): Promise<void> {
    this.contextTokens = [];
    return Promise.resolve();
  }
}

function make(gpu: string | false = false, flashAttention = false) {
  const fakes = Array.from({ length: 3 }, () => new FakeSequence());
  const sequences = fakes as unknown as LlamaContextSequence[];
  const said: string[] = [];
  const prefixes = new SharedPrefixes(
    { sequences, facts: { gpu }, settings: { flashAttention, tuning: { batchTokens: 512 } } },
    (message) => said.push(message),
  );
  const evaluate = (own: number, prompt: Token[], signal = never) => {
    const sequence = sequences[own];
    if (!sequence) throw new RangeError(String(own));
    return prefixes.evaluate(own, sequence, prompt, signal);
  };
  return { fakes, evaluate, said, spent: () => fakes.map((one) => one.evaluated) };
}

const shared = tokens(0, 200);
const prompt = (n: number): Token[] => [...shared, ...tokens(1_000 * n, 5)];

it('evaluates what prompts have in common once, also when they come at the same time', async () => {
  const { evaluate, fakes, spent } = make();
  const results = await Promise.all([0, 1, 2].map((n) => evaluate(n, prompt(n + 1))));
  expect(spent()).toEqual([204, 4, 4]);
  expect(results.map(({ kept }) => kept)).toEqual([0, 200, 200]);
  expect(fakes.map((one) => one.contextTokens)).toEqual([1, 2, 3].map((n) => prompt(n).slice(0, -1)));
});

it('leaves no file behind', async () => {
  const { evaluate, fakes } = make();
  await Promise.all([0, 1].map((n) => evaluate(n, prompt(n + 1))));
  const [path] = fakes[0]?.paths ?? [];
  expect(path).toBeDefined();
  await expect(access(path ?? '')).rejects.toThrow('ENOENT');
});

it('takes over when the one that was waited for is given up', async () => {
  const { evaluate, fakes, spent } = make();
  const stop = new AbortController();
  const first = evaluate(0, prompt(1), stop.signal);
  const second = evaluate(1, prompt(2));
  stop.abort(new Error('given up'));
  await expect(first).rejects.toThrow('given up');
  await second;
  expect(fakes[1]?.contextTokens).toEqual(prompt(2).slice(0, -1));
  expect(spent()[0]).toBeLessThanOrEqual(96);
});

it('stops waiting when it is given up itself', async () => {
  const { evaluate, fakes } = make();
  const [{ promise, resolve }, stop] = [Promise.withResolvers<undefined>(), new AbortController()];
  if (fakes[0]) fakes[0].gate = promise.then(() => undefined);
  const first = evaluate(0, prompt(1));
  const second = evaluate(1, prompt(2), stop.signal);
  stop.abort(new Error('given up'));
  await expect(second).rejects.toThrow('given up');
  resolve(undefined);
  await first;
});

it('copies no more after a copy has failed', async () => {
  const { evaluate, fakes, said, spent } = make();
  if (fakes[0]) fakes[0].fails = true;
  await Promise.all([0, 1].map((n) => evaluate(n, prompt(n + 1))));
  await evaluate(2, prompt(3));
  expect(spent()).toEqual([204, 204, 204]);
  expect(said).toEqual([expect.stringContaining('no space left on device')]);
});

it('copies nothing on a GPU, where to evaluate is as quick', async () => {
  const { evaluate, spent } = make('cuda');
  await Promise.all([0, 1].map((n) => evaluate(n, prompt(n + 1))));
  expect(spent()).toEqual([204, 204, 0]);
});

it.each([
  { flashAttention: true, rest: 5, evaluated: 204 },
  { flashAttention: false, rest: 1, evaluated: 208 },
])('leaves a short end to the first step of the answer, where answers need not be alike ($flashAttention)', async (expected) => {
  const { evaluate, spent } = make(false, expected.flashAttention);
  await evaluate(0, prompt(1));
  const { rest, kept } = await evaluate(0, prompt(2));
  expect({ rest: rest.length, kept, evaluated: spent()[0] }).toEqual({ rest: expected.rest, kept: 200, evaluated: expected.evaluated });
  expect(rest).toEqual(prompt(2).slice(-expected.rest));
});
