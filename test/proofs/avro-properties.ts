import { messageOf } from '../../src/errors.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { avroProperties } from '../properties/avro-properties.ts';

export const name = 'avro-properties';
export const summary =
  'random schemas and values: there and back, by resolution, and 100,000 each with changed bytes, of Avro files and framed JSON, too; about 10 minutes, --short 8 s';

export async function run({ short, say }: ExperimentContext): Promise<ExperimentResult> {
  const cases = short ? 1_000 : 100_000;
  const measured: Finding[] = [];
  for (const [what, holds] of Object.entries(avroProperties)) {
    let problem: string | undefined;
    try {
      await holds(cases);
    } catch (error) {
      problem = messageOf(error);
    }
    say(`${what}: ${problem ?? 'holds'}`);
    const isGood = problem === undefined;
    measured.push({ what: `${what}: ${cases.toLocaleString('en')} cases`, measured: problem ?? 'all', passes: 'all', pass: isGood });
  }
  return { measured, pass: true };
}
