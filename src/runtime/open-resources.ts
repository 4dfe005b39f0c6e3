import { inScope, scopeOf } from '../call.ts';
import { messageOf, PipelineError } from '../errors.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Resource } from '../resource.ts';
import type { Opening } from './opening.ts';
import type { ResolvedStartOptions } from './options.ts';

/**
 * Opens what a pipeline names, all at once; what is open is held, also when another cannot be opened.
 * @throws PipelineError `resource_failed` for the first that cannot; whoever then gives the start up stops the others.
 */
export async function openResources(
  pipeline: Pipeline,
  { clock, log }: Pick<ResolvedStartOptions, 'clock' | 'log'>,
  opening: Opening,
): Promise<Readonly<Record<string, unknown>>> {
  const opened: Record<string, unknown> = {};
  const open = async (name: string, resource: Resource<unknown>): Promise<void> => {
    const context = {
      clock,
      signal: opening.signal,
      log: (level: 'debug' | 'info' | 'warn' | 'error', message: string, details: object = {}) => {
        log[level]({ resource: name, ...details }, message);
      },
    };
    const one = inScope(scopeOf(clock), () => resource.open(context));
    opened[name] = (await opening.holdAsked(one, (held) => held.close())).value;
  };
  await Promise.all(
    Object.entries(pipeline.resources).map(([name, resource]) =>
      open(name, resource).catch((error: unknown) => {
        const text = `resource ${name} (${resource.name}) of pipeline ${pipeline.name} cannot be opened: ${messageOf(error)}`;
        throw new PipelineError('resource_failed', text, { cause: error });
      }),
    ),
  );
  return opened;
}
