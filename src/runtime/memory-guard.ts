import { totalmem } from 'node:os';
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type OptionNames, requireOptions } from '../check-options.ts';
import type { CancelTimer, Clock } from '../clock.ts';
import { OptionError, requireInteger } from '../errors.ts';
import { MemoryGuardState, type MemoryKinds, type MemoryLimit } from './memory-guard.state.ts';

/** Limits of the memory guard, in bytes. */
export interface MemoryGuardOptions {
  /** Of the whole process. @defaultValue 80 % of the memory that the machine, or the cgroup, has */
  readonly softRssBytes?: number;
  /** @defaultValue 92 % of it */
  readonly hardRssBytes?: number;
  /** Of JavaScript's heap, its young generation left out. @defaultValue 80 % of V8's limit (`--max-old-space-size`) */
  readonly softHeapBytes?: number;
  /** @defaultValue 92 % of it */
  readonly hardHeapBytes?: number;
}

const names: OptionNames<MemoryGuardOptions> = { softRssBytes: true, hardRssBytes: true, softHeapBytes: true, hardHeapBytes: true };
const everyMs = 1_000;
/** Below the hard one there must be room for what is in flight to end, and for the collector to work. */
const shares = { soft: 0.8, hard: 0.92 } as const;

/** What the machine, or the cgroup, lets this process have. */
function availableBytes(): number {
  const constrained = process.constrainedMemory(); // 0, or more than there is, without a cgroup's limit
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

/** A semi-space as V8 has it unless it is told otherwise; two in older versions are smaller, and the limit then a little low. */
const semiSpaceMiB = 64;

/**
 * What the old generation may have. V8's own limit counts three semi-spaces of the young one into it, and ends the process all the
 * same when the old one is full: with `--max-old-space-size=200` it says 392 MiB, and dies at 200.
 */
export function oldSpaceLimit(limitBytes: number, flags: readonly string[]): number {
  const given = flags.flatMap((flag) => /^--max[-_]semi[-_]space[-_]size=(\d+)$/.exec(flag)?.[1] ?? []).at(-1);
  const young = 3 * (given === undefined ? semiSpaceMiB : Number(given)) * 2 ** 20;
  return Math.max(limitBytes - young, limitBytes / 2);
}

const nodeFlags = (): readonly string[] => [...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/), ...process.execArgv];

/** In use by the old generation: what is in the young one is mostly garbage, and has room of its own. */
const oldSpaceInUse = (): number =>
  getHeapSpaceStatistics().reduce((sum, { space_name: name, space_used_size: used }) => (name.startsWith('new_') ? sum : sum + used), 0);

/**
 * The limits, with what is left out taken from the machine.
 * @throws OptionError for a value below 1, and a hard limit that is not above its soft one.
 */
export function memoryLimits(options: MemoryGuardOptions): MemoryKinds<MemoryLimit> {
  requireOptions('memory', options, names);
  const limit = (kind: 'Rss' | 'Heap', whole: number): MemoryLimit => {
    const { [`soft${kind}Bytes` as const]: givenSoft, [`hard${kind}Bytes` as const]: givenHard } = options;
    if (givenSoft !== undefined) requireInteger(`memory.soft${kind}Bytes`, givenSoft, 1);
    if (givenHard !== undefined) requireInteger(`memory.hard${kind}Bytes`, givenHard, 1);
    const hard = givenHard ?? Math.max(whole * shares.hard, (givenSoft ?? 0) * (shares.hard / shares.soft));
    const soft = givenSoft ?? Math.min(whole * shares.soft, hard * (shares.soft / shares.hard));
    if (soft < hard) return { soft, hard };
    throw new OptionError(`memory.hard${kind}Bytes must be above memory.soft${kind}Bytes, got ${String(hard)} and ${String(soft)}`);
  };
  return { rss: limit('Rss', availableBytes()), heap: limit('Heap', oldSpaceLimit(getHeapStatistics().heap_size_limit, nodeFlags())) };
}

/** What this process uses. */
export const memoryInUse = (): MemoryKinds<number> => ({ rss: process.memoryUsage.rss(), heap: oldSpaceInUse() });

export interface MemoryGuardParts {
  readonly limits: MemoryKinds<MemoryLimit>;
  readonly clock: Clock;
  /** @defaultValue what this process uses */
  readonly read?: () => MemoryKinds<number>;
  /** Drops caches. */
  readonly shed: () => void;
  /** Asks for a collection. */
  readonly collect: () => void;
  /** Lets in only this share of what may be in flight otherwise; 0: nothing. */
  readonly shrink: (share: number) => void;
  /** Told when a limit is passed, and (undefined) when none is any more. */
  readonly trouble: (why: string | undefined) => void;
}

/** Looks at the memory once a second and does what {@link MemoryGuardState} decides. The result ends it. */
export function guardMemory({ limits, clock, read = memoryInUse, shed, collect, shrink, trouble }: MemoryGuardParts): CancelTimer {
  const state = new MemoryGuardState(limits);
  let cancel: CancelTimer = () => undefined;
  const look = (): void => {
    const decision = state.look(read(), clock.nowMs());
    if (decision.shed) shed();
    if (decision.collect) collect();
    shrink(decision.share);
    trouble(decision.why);
    cancel = clock.schedule(everyMs, look);
  };
  cancel = clock.schedule(everyMs, look);
  return () => {
    cancel();
  };
}

let collector: NodeJS.GCFunction | undefined;

/**
 * Asks V8 for a full collection, with or without `--expose-gc`. A process that takes nothing more allocates next to nothing, so V8
 * by itself would see no reason for one, and what is garbage would count as used for ever.
 */
export function askForCollection(): void {
  collector ??= globalThis.gc ?? exposedCollection();
  void collector({ type: 'major', execution: 'async' });
}

/** The flag acts on contexts made after it; that of the program stays as it is. */
function exposedCollection(): NodeJS.GCFunction {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as NodeJS.GCFunction;
}
