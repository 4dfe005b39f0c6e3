import { messageOf } from '../../src/errors.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { avroProperties } from '../properties/avro-properties.ts';

export const name = 'avro-properties';
export const summary =
  'random schemas and values: there and back, by resolution, and 100,000 with changed bytes; about 5 minutes, --short 5 s';

export function run({ short, say }: ExperimentContext): Promise<ExperimentResult> {
  const cases = short ? 1_000 : 100_000;
  const measured = Object.entries(avroProperties).map(([what, holds]): Finding => {
    let problem: string | undefined;
    try {
      holds(cases);
    } catch (error) {
      problem = messageOf(error);
    }
    say(`${what}: ${problem ?? 'holds'}`);
    const isGood = problem === undefined;
    return { what: `${what}: ${cases.toLocaleString('en')} cases`, measured: problem ?? 'all', passes: 'all', pass: isGood };
  });
  return Promise.resolve({ measured, pass: true });
}
