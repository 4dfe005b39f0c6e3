import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerRules } from './model/answer-rules.ts';
import { callRules } from './model/call-rules.ts';
import { countRules } from './model/count-rules.ts';
import { dataRules } from './model/data-rules.ts';
import { endRules } from './model/end-rules.ts';
import { type ModelPatience, type ModelUnderTest, ModelWorld, type OpenModel } from './model/model-world.ts';
import type { ModelRule } from './model/rule.ts';
import { textRules } from './model/text-rules.ts';

/**
 * The protocol of `src/inference/model.ts`, as behaviour: what every back end keeps. Numbers are stable: a rule that goes leaves a hole.
 *
 * A back end of your own is a folder under `src/inference` whose function gives a `Resource<Model>` (make the model with `completeModel`), a line in
 * `src/index.ts`, and this suite:
 *
 * ```ts
 * describeModel('mine', {
 *   open: async () => ({ model, close, far }), // `far`: how a test sees what the model works on, from behind
 *   cannot: { tensors: 'its server takes none' }, // what it cannot do: the reason stands in the report
 * });
 * ```
 *
 * Prompts are in the toy language of `test/helpers/inference/toy-language.ts`: put that behind it, or say with `asks` how your model is asked so
 * that its answer is known. `test/conformance/toy.test.ts` is the shortest example, and shows a planted fault for each rule.
 */
export const modelRules: readonly ModelRule[] = [...callRules, ...endRules, ...textRules, ...answerRules, ...dataRules, ...countRules].sort(
  (a, b) => a.rule - b.rule,
);

export interface ModelSuiteOptions extends Partial<ModelPatience> {
  /** Rules that this back end cannot keep beside what it cannot do, each with its reason; it stands in the test's name. */
  readonly skip?: readonly { readonly rule: number; readonly reason: string }[];
}

/** Why a rule is not run. */
function reasonToSkip(
  { rule, needs = [] }: ModelRule,
  { cannot = {} }: ModelUnderTest,
  { skip = [] }: ModelSuiteOptions,
): string | undefined {
  const missing = needs.map((ability) => cannot[ability]).find((reason) => reason !== undefined);
  return missing ?? skip.find((one) => one.rule === rule)?.reason;
}

/** Runs a rule on an open model; throws what it finds. */
export async function runRule({ test }: ModelRule, world: ModelWorld): Promise<void> {
  let breaches: readonly string[] = [];
  try {
    await test(world);
  } finally {
    breaches = await world.end();
  }
  expect(breaches, 'rules that hold at all times').toEqual([]);
}

/** Runs every rule against a back end. One model is opened for all rules, and others for those that break it. */
export function describeModel(name: string, under: ModelUnderTest, options: ModelSuiteOptions = {}): void {
  const { skip = [], eventuallyMs = 20_000, quietMs = 30 } = options;
  for (const { rule } of skip)
    if (!modelRules.some((known) => known.rule === rule)) throw new Error(`there is no rule ${String(rule)} to skip`);

  describe(`${name} keeps the protocol of models`, () => {
    let shared: OpenModel | undefined;
    beforeAll(async () => {
      shared = await under.open();
    });
    afterAll(() => shared?.close());

    for (const rule of modelRules) {
      const lacking = (rule.partly ?? []).map((ability) => under.cannot?.[ability]).filter((why) => why !== undefined);
      const inPart = lacking.length === 0 ? '' : ` (in part: ${[...new Set(lacking)].join('; ')})`;
      const says = `rule ${String(rule.rule).padStart(2, '0')}: ${rule.says}${inPart}`;
      const reason = reasonToSkip(rule, under, options);
      if (reason !== undefined) it.skip(`${says} (skipped: ${reason})`, () => undefined);
      else
        it(says, { timeout: 2 * eventuallyMs + 20 * quietMs }, async () => {
          if (shared === undefined) throw new Error('expected an open model');
          await runRule(rule, new ModelWorld(under, shared, { eventuallyMs, quietMs }));
        });
    }
  });
}
