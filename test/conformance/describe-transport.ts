import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitRules } from './transport/commit-rules.ts';
import { deliveryRules } from './transport/delivery-rules.ts';
import { fencingRules } from './transport/fencing-rules.ts';
import { gapRules } from './transport/gap-rules.ts';
import { ownershipRules } from './transport/ownership-rules.ts';
import { pauseRules } from './transport/pause-rules.ts';
import { produceRules } from './transport/produce-rules.ts';
import type { Rule } from './transport/rule.ts';
import { startRules } from './transport/start-rules.ts';
import { topicRules } from './transport/topic-rules.ts';
import { transactionRules } from './transport/transaction-rules.ts';
import { type Patience, type TransportUnderTest, World } from './transport/world.ts';
import { writerRules } from './transport/writer-rules.ts';

export type { TransportUnderTest } from './transport/world.ts';

/** The protocol of `src/transport/transport.ts`, sentence by sentence. Numbers are stable: a rule that goes leaves a hole. */
const transportRules: readonly Rule[] = [
  ...topicRules,
  ...deliveryRules,
  ...gapRules,
  ...pauseRules,
  ...ownershipRules,
  ...commitRules,
  ...produceRules,
  ...transactionRules,
  ...writerRules,
  ...fencingRules,
  ...startRules,
].sort((a, b) => a.rule - b.rule);

export interface SuiteOptions extends Partial<Patience> {
  /** Rules that this transport cannot keep, each with its reason; it stands in the test's name. */
  readonly skip?: readonly { readonly rule: number; readonly reason: string }[];
}

const ruleName = ({ rule, says }: Rule): string => `rule ${String(rule).padStart(2, '0')}: ${says}`;

/** Runs every rule against a transport. `make` is called once; each rule uses topics and groups of its own. */
export function describeTransport(
  name: string,
  make: () => TransportUnderTest | Promise<TransportUnderTest>,
  options: SuiteOptions = {},
): void {
  const { skip = [], eventuallyMs = 30_000, quietMs = 100 } = options;
  const skipped = new Map(skip.map(({ rule, reason }) => [rule, reason]));
  for (const rule of skipped.keys()) {
    if (!transportRules.some((known) => known.rule === rule)) throw new Error(`there is no rule ${String(rule)} to skip`);
  }

  describe(`${name} keeps the transport protocol`, () => {
    let under: TransportUnderTest;
    beforeAll(async () => {
      under = await make();
    });
    afterAll(async () => {
      await under.close();
    });

    for (const rule of transportRules) {
      const reason = 'untestable' in rule ? `not tested: ${rule.untestable}` : skipped.get(rule.rule);
      if ('untestable' in rule || reason !== undefined) {
        it.skip(`${ruleName(rule)} (${String(reason)})`, () => undefined);
        continue;
      }
      it(ruleName(rule), { timeout: 2 * eventuallyMs + 20 * quietMs }, async () => {
        const world = new World(under, { eventuallyMs, quietMs });
        let breaches: readonly string[] = [];
        try {
          await rule.test(world);
        } finally {
          breaches = await world.end();
        }
        expect(breaches, 'rules that hold at all times').toEqual([]);
      });
    }
  });
}
