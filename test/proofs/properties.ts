import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { heapOfKeys } from '../properties/heap-of-keys.ts';
import { properties, runProperty, traceOfKeys } from '../properties/properties.ts';

export const name = 'properties';
export const summary = 'state machines against models of them, 10,000 cases of 200 events each; about 3 minutes, --short 10 s';

const events = 200;
const keys = 1_000_000;

export async function run({ short, say }: ExperimentContext): Promise<ExperimentResult> {
  const cases = short ? 300 : 10_000;
  const measured = Object.keys(properties).map((property): Finding => {
    const startedMs = performance.now();
    const problem = runProperty(property, cases, events);
    say(`${property}: ${problem ?? 'the same'}, ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
    const what = `${property}: ${cases.toLocaleString('en')} cases of ${String(events)} events`;
    return { what, measured: problem ?? 'no difference', passes: 'no difference', pass: problem === undefined };
  });
  const trace = traceOfKeys(keys);
  const what = `entries in the lanes after ${keys.toLocaleString('en')} distinct keys`;
  const passed = short ? keys / 10 : keys;
  const kept = await heapOfKeys(passed);
  const most = short ? 40 : 20;
  return {
    measured: [
      ...measured,
      { what, measured: String(trace), passes: '0', pass: trace === 0 },
      {
        what: `heap that a whole pipeline keeps of each of ${passed.toLocaleString('en')} distinct keys`,
        ...{ measured: `${kept.toFixed(1)} bytes`, passes: `< ${String(most)} bytes`, pass: kept < most },
      },
    ],
    pass: true,
  };
}
