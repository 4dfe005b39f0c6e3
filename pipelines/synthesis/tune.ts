import type { CommandContext } from 'millrace';
import type { Manifest } from './run-folder.ts';
import type { SynthesisModel } from './run-options.ts';
import { runSynthesis } from './run-synthesis.ts';
import { suggestWorkers, type Tuned } from './tune.state.ts';
import { withTemporaryRun } from './with-temporary-run.ts';

/** Seeds for each worker, so that none is idle for most of the time. */
const seedsForEach = 2;

export interface TuneParts {
  readonly manifest: Manifest;
  readonly model: SynthesisModel;
  readonly env: Readonly<Record<string, string>>;
  /** Numbers of workers to try. */
  readonly workers: readonly number[];
}

/** Tries a few seeds with each number of workers, shows how they did, and suggests one. Nothing of what is found is kept. */
export async function tune({ manifest, model, env, workers }: TuneParts, { out, clock, log, signal }: CommandContext): Promise<number> {
  const rows: Tuned[] = [];
  for (const count of workers) {
    const seeds = manifest.seeds.slice(0, Math.max(2, count * seedsForEach));
    const tuned = await withTemporaryRun({ ...manifest, seeds }, clock.nowMs(), async (folder): Promise<Tuned> => {
      let [most, running, rss] = [0, 0, 0];
      const summary = await runSynthesis({
        ...{ folder, model, env, workers: count, clock, log, signal },
        onRunning: (now) => {
          running = now;
          most = Math.max(most, running);
        },
        onSeed: (_, { maxRssBytes }) => (rss = Math.max(rss, maxRssBytes)),
      });
      signal.throwIfAborted();
      const ended = summary.done + summary.failed;
      return {
        workers: count,
        seedsPerMinute: (ended / summary.elapsedMs) * 60_000,
        overloads: summary.overloads,
        memoryMb: (rss * most) / 2 ** 20,
      };
    });
    rows.push(tuned);
    out.json({ tuned });
    out.note(`${String(count)} workers: ${tuned.seedsPerMinute.toFixed(1)} seeds a minute`);
  }
  const best = suggestWorkers(rows);
  out.json({ suggested: best });
  out.table([
    ['workers', 'seeds a minute', 'too much (429)', 'memory'],
    ...rows.map((one) => [String(one.workers), one.seedsPerMinute.toFixed(1), String(one.overloads), `${one.memoryMb.toFixed(0)} MiB`]),
  ]);
  out.line(`suggested: "max_workers": ${String(best)}`);
  return 0;
}
