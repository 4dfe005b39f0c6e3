import { inScope, scopeOf } from '../call.ts';
import { messageOf, PipelineError } from '../errors.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Opened, Resource } from '../resource.ts';
import type { ResolvedStartOptions } from './options.ts';

type Hold = (opening: Promise<Opened<unknown>>, close: (opened: Opened<unknown>) => Promise<void>) => Promise<Opened<unknown>>;

/** Opens what a pipeline names, all at once; what is open is held, also when another cannot be opened. @throws PipelineError `resource_failed` */
export async function openResources(
  pipeline: Pipeline,
  { clock, log }: Pick<ResolvedStartOptions, 'clock' | 'log'>,
  signal: AbortSignal,
  hold: Hold,
): Promise<Readonly<Record<string, unknown>>> {
  const opened: Record<string, unknown> = {};
  const open = async (name: string, resource: Resource<unknown>): Promise<void> => {
    const context = {
      clock,
      signal,
      log: (level: 'debug' | 'info' | 'warn' | 'error', message: string, details: object = {}) => {
        log[level]({ resource: name, ...details }, message);
      },
    };
    const opening = inScope(scopeOf(clock), () => resource.open(context));
    opened[name] = (await hold(opening, (held) => held.close())).value;
  };
  const results = await Promise.allSettled(
    Object.entries(pipeline.resources).map(([name, resource]) =>
      open(name, resource).catch((error: unknown) => {
        const text = `resource ${name} (${resource.name}) of pipeline ${pipeline.name} cannot be opened: ${messageOf(error)}`;
        throw new PipelineError('resource_failed', text, { cause: error });
      }),
    ),
  );
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return opened;
}
