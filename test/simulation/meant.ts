import type { Expected } from '../../src/simulation/history.ts';
import { codesOfModelFaults, type SimulatedFault } from '../../src/simulation/fault-mix.ts';
import { randomFrom } from '../../src/simulation/random.ts';
import type { CallStage, Plan, Stage } from './plan.ts';

/** A value on its way; the path says which part of its record it is. */
export interface Item {
  readonly id: number;
  readonly path: string;
}

/** What a stage is to do with one value: the user's functions obey it, and the checker expects it. */
export interface Fate {
  readonly how: 'pass' | 'drop' | 'lose' | 'throw' | CallTrouble;
  /** What comes out, before a failure if there is one. */
  readonly paths: readonly string[];
  readonly code: string | undefined;
}

export type CallTrouble = 'is down' | 'rejects' | 'throws at once' | 'gives none' | 'fails late' | 'is flaky' | 'is overloaded' | 'hangs';

const failed = (how: Fate['how'], code: string, paths: readonly string[] = []): Fate => ({ how, paths, code });

export function fateOf(seed: number, at: number, stage: Stage, { id, path }: Item): Fate {
  const random = randomFrom(seed, 'fate', at, id, path);
  const pass: Fate = { how: 'pass', paths: [path], code: undefined };
  const parts = (count: number): string[] => Array.from({ length: count }, (_, i) => `${path}.${String(i)}`);
  switch (stage.kind) {
    case 'map':
      return random.chance(stage.throws) ? failed('throw', 'project_threw') : pass;
    case 'keep':
      return random.chance(stage.drops) ? { ...pass, how: 'drop', paths: [] } : pass;
    case 'drop':
      if (random.chance(stage.throws)) return failed('throw', 'project_threw');
      return random.chance(stage.drops) ? { ...pass, how: 'drop', paths: [] } : pass;
    case 'split': {
      const paths = parts(random.int(0, stage.most));
      return random.chance(stage.throws) ? failed('throw', 'project_threw', paths) : { ...pass, paths };
    }
    case 'call':
      return callFate(stage, path, parts, random);
    case 'batch':
      return random.chance(stage.errors) ? failed('throw', 'model_rejected') : pass;
    case 'unguarded':
      return random.chance(stage.throws) ? failed('throw', 'pipeline_threw') : pass;
    case 'lossy':
      return random.chance(stage.loses) ? failed('lose', 'envelope_lost') : pass;
    case 'route':
      return random.chance(stage.unknown) ? failed('throw', 'unknown_route') : pass;
    case 'early':
    case 'linger':
    case 'model':
      return pass;
  }
}

function callFate(stage: CallStage, path: string, parts: (count: number) => string[], random: ReturnType<typeof randomFrom>): Fate {
  const pass: Fate = { how: 'pass', paths: random.chance(0.1) ? parts(random.int(2, 3)) : [path], code: undefined };
  if (!random.chance(stage.trouble)) return pass;
  const { attempts = 1, timeoutMs } = stage;
  const trouble = random.pick<CallTrouble>([
    'rejects',
    'throws at once',
    'gives none',
    'fails late',
    'is flaky',
    'is overloaded',
    ...(stage.hangs ? (['hangs'] as const) : []),
    ...(stage.downUntilMs === undefined ? [] : (['is down', 'is down', 'is down', 'is down'] as const)),
  ]);
  switch (trouble) {
    case 'is down':
      return { ...pass, how: trouble };
    case 'rejects':
      return failed(trouble, 'model_rejected');
    case 'throws at once':
      return failed(trouble, 'project_threw');
    case 'gives none':
      return failed(trouble, 'no_result');
    case 'fails late':
      return failed(trouble, 'model_rejected', parts(1));
    case 'is flaky':
      return attempts > 1 ? { ...pass, how: trouble } : failed(trouble, 'model_unavailable');
    case 'is overloaded':
      return stage.attempts !== undefined ? { ...pass, how: trouble } : failed(trouble, 'overloaded');
    case 'hangs':
      return failed(trouble, timeoutMs === undefined ? 'deadline_exceeded' : 'call_timeout');
  }
}

/** Faults that the model of a plan may meet. */
export const weatherMix = ({ callFaults, deeds }: Plan): ReadonlySet<SimulatedFault> =>
  new Set([...callFaults, ...deeds.flatMap((deed) => (deed.do === 'storm-429' || deed.do === 'storm-5xx' ? [deed.do] : []))]);

const codesOfModel = (plan: Plan): readonly string[] => codesOfModelFaults(weatherMix(plan));

/** How a record of this plan has to end. */
export function meantFor(plan: Plan, id: number): Expected {
  const codes = new Set<string>();
  let mustFail = false;
  let open = [''];
  let calls = false;
  for (const [at, stage] of plan.stages.entries()) {
    const next: string[] = [];
    for (const path of open) {
      const fate = fateOf(plan.seed, at, stage, { id, path });
      // a retry that would come after the deadline is not made
      if (plan.deadlineMs < 600_000 && fate.how === 'is flaky') codes.add('model_unavailable');
      if (plan.deadlineMs < 600_000 && fate.how === 'is overloaded') codes.add('overloaded');
      if (fate.how === 'is down') codes.add('model_unavailable'); // unless it is up again in time
      if (fate.code !== undefined) {
        codes.add(fate.code);
        mustFail = true;
      }
      next.push(...fate.paths);
    }
    if (stage.kind === 'model') for (const code of codesOfModel(plan)) codes.add(code);
    // company decides: every member of such a batch fails
    if (stage.kind === 'batch' && stage.wrongSize > 0 && open.length > 0) codes.add('batch_size_mismatch');
    open = next;
    // a record is not through before its last part or its call: a stream that completes on its first ends again when it runs alone
    if (stage.kind === 'early' && calls) codes.add('pipeline_threw');
    if (stage.kind === 'call' || stage.kind === 'model' || stage.kind === 'batch' || stage.kind === 'split') calls = true;
  }
  // a process that stands still finds, when it goes on, that its timeouts have passed
  const stands = plan.deeds.some((deed) => deed.do === 'paused' && deed.ms > 0);
  if (stands && plan.stages.some((stage) => (stage.kind === 'call' || stage.kind === 'model') && stage.timeoutMs !== undefined))
    codes.add('call_timeout');
  // what hangs for a whole deadline lets others wait behind it
  if (plan.deadlineMs < 600_000 && plan.stages.some(({ kind }) => kind === 'call' || kind === 'model')) codes.add('deadline_exceeded');
  // a stream that left its source and stays open, which takes something that hangs or is lost, leaves behind what its first operators held
  if (plan.deadlineMs < 600_000 && plan.stages.some(({ kind }) => kind === 'early')) codes.add('envelope_lost');
  // an operator of RxJS works on a record without anybody's knowledge
  if (plan.deadlineMs < 600_000 && plan.stages.some(({ kind }) => kind === 'linger')) codes.add('envelope_lost');
  return { outputs: open, codes: [...codes], mustFail };
}
