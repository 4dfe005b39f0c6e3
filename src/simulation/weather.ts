import type { ScriptedFault, ScriptedStorm } from '../inference/scripted/fault.ts';
import type { ScriptedOptions } from '../inference/scripted/scripted.ts';
import type { Deed } from './deed.ts';
import type { CallFault, SimulatedFault } from './fault-mix.ts';
import { worldStartMs } from './world.ts';

/** What a run has in store for the resources of one of its members. */
export interface Weather {
  readonly seed: number;
  /** True in the run without faults that says what has to come out of each record. */
  readonly isCalm: boolean;
  /** Times, faults and storms for a scripted model: `scripted(script, weather.model)`. */
  readonly model: Pick<ScriptedOptions, 'seed' | 'latencyMs' | 'tokenMs' | 'faults' | 'storms'>;
}

/** What befalls single calls, and how many of a hundred. Rare enough that four attempts all but always get through. */
const callFaults: Readonly<Record<CallFault, readonly { readonly share: number; readonly fault: ScriptedFault }[]>> = {
  'calls-fail': [
    { share: 0.02, fault: { kind: 'overload', retryAfterMs: 300 } },
    { share: 0.02, fault: { kind: 'status', status: 500 } },
    { share: 0.01, fault: { kind: 'crash' } },
    { share: 0.01, fault: { kind: 'cut' } },
  ],
  'calls-hang': [{ share: 0.01, fault: { kind: 'hang' } }],
  'calls-drip': [{ share: 0.02, fault: { kind: 'drip', tokenMs: 400 } }],
  'bad-json': [{ share: 0.02, fault: { kind: 'bad-json' } }],
};

const stormFaults: Readonly<Record<'storm-429' | 'storm-5xx', ScriptedFault>> = {
  'storm-429': { kind: 'overload', retryAfterMs: 200 },
  'storm-5xx': { kind: 'status', status: 500 },
};

const times = { latencyMs: { min: 5, max: 120 }, tokenMs: 2 } as const;

export const calmWeather = (seed: number): Weather => ({ seed, isCalm: true, model: { seed, ...times } });

/** The weather of a run in which these faults may happen, and these deeds do. */
export function weatherOf(seed: number, mix: ReadonlySet<SimulatedFault>, deeds: readonly Deed[]): Weather {
  const storms = deeds.flatMap((deed): readonly ScriptedStorm[] => {
    if (deed.do !== 'storm-429' && deed.do !== 'storm-5xx') return [];
    const fromMs = worldStartMs + deed.atMs;
    return [{ fromMs, toMs: fromMs + deed.ms + 100, fault: stormFaults[deed.do] }];
  });
  const faults = (Object.keys(callFaults) as readonly CallFault[]).flatMap((name) => (mix.has(name) ? callFaults[name] : []));
  return { seed, isCalm: false, model: { seed, ...times, faults, storms } };
}
