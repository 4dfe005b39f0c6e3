import { type Header, headerText, type RecordHeaders, textHeader } from './record.ts';
import type { TokenUsage } from './token-usage.ts';

/** What a call of a model tells of itself, once or in pieces. */
export interface ModelUse extends TokenUsage {
  /** Who answered. */
  readonly model?: string | undefined;
  /** Which prompt was asked: `name@version#hash`. */
  readonly prompt?: string | undefined;
  /** In the currency of the model's prices. */
  readonly cost?: number | undefined;
}

/**
 * Headers of outputs and dead letters: which models answered for the record, which prompts they were asked (one header each, in the order of their first, up to 8), what
 * they have used in all (`input=812, cached=500, output=24`, tokens) and what that cost, where prices are known.
 */
export const modelHeaderNames = {
  model: 'millrace-model',
  prompt: 'millrace-prompt',
  usage: 'millrace-usage',
  cost: 'millrace-cost',
} as const;

const mostNames = 8;
const mostNameChars = 250;
const billionth = 1e9;
const usageForm = /^input=(\d{1,15}), cached=(\d{1,15}), output=(\d{1,15})$/;
const costForm = /^\d{1,6}(\.\d{1,9})?$/;

/** What models have used for one record so far: sums of integers, and a few names. */
export class Spending {
  readonly #models = new Set<string>();
  readonly #prompts = new Set<string>();
  #input = 0;
  #cached = 0;
  #output = 0;
  /** In billionths. */
  #cost: number | undefined;

  /** Adds the share that the member `index` of `count` has in a call for all of them; the shares of all are the whole, to the token. */
  add({ model, prompt, cost, inputTokens, cachedTokens, outputTokens }: ModelUse, index = 0, count = 1): void {
    const share = (whole: number): number => Math.floor((whole * (index + 1)) / count) - Math.floor((whole * index) / count);
    keep(this.#models, model);
    keep(this.#prompts, prompt);
    this.#input += share(inputTokens);
    this.#cached += share(cachedTokens);
    this.#output += share(outputTokens);
    if (cost !== undefined) this.#cost = (this.#cost ?? 0) + share(Math.round(cost * billionth));
  }

  /** As headers say it; undefined where they say nothing, or nothing that we would say. */
  static told(headers: RecordHeaders): Spending | undefined {
    const textsOf = (name: string): readonly string[] => headers.flatMap((one) => (one[0] === name ? [headerText([one], name) ?? ''] : []));
    const [, ...counts] = usageForm.exec(textsOf(modelHeaderNames.usage)[0] ?? '') ?? [];
    const [inputTokens = 0, cachedTokens = 0, outputTokens = 0] = counts.map(Number);
    const [models, prompts] = [textsOf(modelHeaderNames.model), textsOf(modelHeaderNames.prompt)];
    if (counts.length + models.length + prompts.length === 0) return undefined;
    const cost = costForm.exec(textsOf(modelHeaderNames.cost)[0] ?? '')?.[0];
    const told = new Spending();
    for (const model of models) keep(told.#models, model);
    for (const prompt of prompts) keep(told.#prompts, prompt);
    told.add({ inputTokens, cachedTokens, outputTokens, cost: cost === undefined ? undefined : Number(cost) });
    return told;
  }

  /** Of several records, as one. */
  static together(all: readonly Spending[]): Spending | undefined {
    const [first, ...others] = all;
    if (others.length === 0) return first;
    const sum = new Spending();
    for (const { models, prompts, usage, cost } of all.map((one) => one.#parts())) {
      for (const model of models) keep(sum.#models, model);
      for (const prompt of prompts) keep(sum.#prompts, prompt);
      sum.add({ ...usage, cost });
    }
    return sum;
  }

  headers(): readonly Header[] {
    const { models, prompts, usage, cost } = this.#parts();
    const { inputTokens, cachedTokens, outputTokens } = usage;
    const told = `input=${String(inputTokens)}, cached=${String(cachedTokens)}, output=${String(outputTokens)}`;
    return [
      ...models.map((one) => textHeader(modelHeaderNames.model, one)),
      ...prompts.map((one) => textHeader(modelHeaderNames.prompt, one)),
      ...(inputTokens + outputTokens === 0 ? [] : [textHeader(modelHeaderNames.usage, told)]),
      ...(cost === undefined ? [] : [textHeader(modelHeaderNames.cost, decimal(cost))]),
    ];
  }

  #parts() {
    const usage: TokenUsage = { inputTokens: this.#input, cachedTokens: this.#cached, outputTokens: this.#output };
    const cost = this.#cost === undefined ? undefined : this.#cost / billionth;
    return { models: [...this.#models], prompts: [...this.#prompts], usage, cost };
  }
}

/** `headers` with what was spent; what a pipeline before this one has said of itself makes place for it. */
export function withSpending(headers: RecordHeaders, spending: Spending | undefined): RecordHeaders {
  if (spending === undefined) return headers;
  const own = spending.headers();
  return own.length === 0 ? headers : [...headers.filter(([name]) => !names.has(name)), ...own];
}

const names: ReadonlySet<string> = new Set(Object.values(modelHeaderNames));

function keep(into: Set<string>, name: string | undefined): void {
  if (name !== undefined && into.size < mostNames) into.add(name.slice(0, mostNameChars));
}

/** Never `1e-7`: people sum these with other tools. */
const decimal = (cost: number): string => {
  const digits = cost.toFixed(9);
  return digits.replace(/\.?0+$/, '');
};
