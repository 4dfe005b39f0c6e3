import type { Pipeline } from '../pipeline.ts';
import { start } from '../runtime/start.ts';
import type { CliContext } from './context.ts';
import { httpBeside } from './http-beside.ts';
import { liveLine, startingLine } from './live-line.ts';
import type { RunOptions } from './run-options.ts';
import { startOptionsOf } from './run-settings.ts';
import { summary } from './run-summary.ts';

/**
 * Runs a pipeline until it is told to stop: 0 when it finished all it had begun, the signal's exit code when it gave some of
 * it back. Rejects with what stopped it otherwise.
 */
export async function runService(
  pipeline: Pipeline,
  options: Pick<RunOptions, 'createTopics'> & Partial<Pick<RunOptions, 'http' | 'httpHost'>>,
  context: CliContext,
): Promise<number> {
  const { out, log, clock, signal } = context;
  const { instance, run } = context.settings;
  const { transport, where, close } = await context.openTransport();
  const beside = await httpBeside(pipeline, options, context).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  try {
    const startedMs = clock.nowMs();
    const starting = startingLine(out);
    const app = await start(pipeline, {
      transport,
      onTroubles: (troubles) => {
        beside.troubles(troubles);
        starting.show(troubles);
      },
      createTopics: options.createTopics,
      log,
      clock,
      ...{ signals: false, signal },
      ...startOptionsOf(run),
      ...(instance === undefined ? {} : { instance }),
    });
    beside.tellOf(app);
    starting.end();
    out.note(
      `${pipeline.name} runs on ${where}: ${Object.values(pipeline.inputs)
        .map(({ name }) => name)
        .join(', ')} → ${outputsOf(pipeline)}; Ctrl-C stops it`,
    );
    out.json({ running: { pipeline: pipeline.name } });
    const endLive = liveLine(app, out, clock);
    let abortedBefore = 0; // for other members, while it ran
    const drain = (): void => {
      abortedBefore = app.stats().aborted;
      app.drain().catch(() => undefined);
    }; // `done` tells the same
    if (signal.aborted) drain();
    else signal.addEventListener('abort', drain, { once: true });
    try {
      await app.done;
    } finally {
      endLive();
      summary(pipeline.name, app.stats(), clock.nowMs() - startedMs, out);
    }
    return app.stats().aborted > abortedBefore ? (context.interrupt.exitCode ?? 1) : 0;
  } finally {
    await beside.close();
    await close();
  }
}

const outputsOf = ({ outputs }: Pipeline): string => {
  const names = Object.values(outputs).map(({ name }) => name);
  return names.length === 0 ? 'no output' : names.join(', ');
};
