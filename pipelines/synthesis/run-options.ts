import type { Clock, Log, Model, Resource, Transport } from 'millrace';
import type { Account } from './account.state.ts';
import type { SeedOutcome } from './outcome.ts';
import type { PairLine } from './pair-line.ts';
import type { RunFolder } from './run-folder.ts';
import type { SeedWork } from './seed-process.ts';

/** A model, and whether it is somebody else's. */
export interface SynthesisModel {
  readonly resource: Resource<Model>;
  /** Behind a URL: it may say that it is too much, and the run then asks for less at a time. */
  readonly isRemote: boolean;
}

export interface SynthesisRunOptions {
  /** Begun, or found to go on with. */
  readonly folder: RunFolder;
  /** Seeds without an outcome, or those that have failed. @defaultValue 'open' */
  readonly which?: 'open' | 'failed' | undefined;
  readonly model: SynthesisModel;
  /** Instead of `max_workers` of the configuration, as far as memory allows. */
  readonly workers?: number | undefined;
  /** Instead of `token_budget` of the configuration. */
  readonly tokenBudget?: number | undefined;
  /** Free memory, in MiB. @defaultValue what the system, or the container, says */
  readonly availableMb?: number | undefined;
  /** @defaultValue an embedded broker */
  readonly transport?: Transport | undefined;
  /** Goes before the names of topics and group. @defaultValue '' */
  readonly prefix?: string | undefined;
  /** Pairs go to this topic of the transport, too, with their seed as the key. @defaultValue none */
  readonly pairsTopic?: string | undefined;
  /** Of the environment, what the processes of seeds see. @defaultValue PATH alone */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** How one seed is worked on. @defaultValue in a process of its own: what it does there harms no other */
  readonly seedWork?: SeedWork | undefined;
  /** @defaultValue the system clock */
  readonly clock?: Clock | undefined;
  /** @defaultValue none */
  readonly log?: Log | undefined;
  /** Gives up the seeds that are worked on, and ends. @defaultValue none */
  readonly signal?: AbortSignal | undefined;
  /** Told of each seed that has ended in this run. @defaultValue nobody */
  readonly onSeed?: ((sourceId: string, outcome: SeedOutcome) => void) | undefined;
  /** Told of each pair that is written. @defaultValue nobody */
  readonly onPair?: ((line: PairLine) => void) | undefined;
  /** Told of how many seeds are worked on. @defaultValue nobody */
  readonly onRunning?: ((running: number) => void) | undefined;
  /** Told of each process that is started for a seed. @defaultValue nobody */
  readonly onStart?: ((pid: number) => void) | undefined;
  /** Told what is good to know before it begins (how many workers, at which memory), and how many seeds there are to be worked on. @defaultValue nobody */
  readonly onBegin?: ((remarks: readonly string[], todo: number) => void) | undefined;
  /** Told of what does not work at present. @defaultValue nobody */
  readonly onTroubles?: ((troubles: readonly string[]) => void) | undefined;
}

/** How a run has ended. */
export interface SynthesisSummary {
  readonly seeds: number;
  readonly done: number;
  readonly failed: number;
  /** Without an outcome. */
  readonly open: number;
  readonly pairs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly overloads: number;
  /** Seeds that ended in this run. */
  readonly ended: number;
  /** Of this run, with those of seeds that were given up. */
  readonly spentTokens: number;
  readonly tokenBudget?: number;
  /** `complete`: every seed has an outcome; else why it ended before. */
  readonly endedBy: 'complete' | 'budget' | 'interrupted';
  readonly elapsedMs: number;
  readonly account: Account;
  readonly files: { readonly pairs: string; readonly trajectories: string; readonly statistics: string };
}
