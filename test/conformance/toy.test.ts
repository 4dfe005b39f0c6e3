import { describe, expect, it } from 'vitest';
import { describeModel, modelRules, runRule } from './describe-model.ts';
import { ModelWorld } from './model/model-world.ts';
import { answerFaults } from './planted/answer-faults.ts';
import { callFaults } from './planted/call-faults.ts';
import { endFaults } from './planted/end-faults.ts';
import { otherFaults } from './planted/other-faults.ts';
import { textFaults } from './planted/text-faults.ts';
import { toyUnderTest } from './toy.ts';

/** A back end broken in so many ways, each of which the suite has to see. */
const plantedFaults = [...callFaults, ...endFaults, ...textFaults, ...answerFaults, ...otherFaults];

describeModel('toy', toyUnderTest());

describe('the suite', () => {
  it.each(plantedFaults)('catches a back end that $fault, by rule $rule', async ({ rule: number, changes }) => {
    const rule = modelRules.find((one) => one.rule === number);
    if (!rule) throw new Error(`there is no rule ${String(number)}`);
    const under = toyUnderTest(changes);
    const opened = await under.open();
    try {
      await expect(runRule(rule, new ModelWorld(under, opened, { eventuallyMs: 700, quietMs: 20 }))).rejects.toThrow();
    } finally {
      await opened.close();
    }
  });

  it('has a planted fault for each rule', () => {
    expect(modelRules.map(({ rule }) => rule).filter((rule) => plantedFaults.every((one) => one.rule !== rule))).toEqual([]);
    expect(new Set(modelRules.map(({ rule }) => rule)).size).toBe(modelRules.length);
  });
});
