import { requireMethods } from '../check-options.ts';
import { OptionError } from '../errors.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Transport } from '../transport/transport.ts';

/** @throws OptionError when this is no pipeline, or it needs transactions and the transport, somebody else's, has none. */
export function requireRunnable(pipeline: Pipeline, transport: Partial<Transport>): void {
  requireMethods('the pipeline', pipeline, ['process'], 'what definePipeline({ … }) has made');
  const { name, delivery } = pipeline;
  if (delivery !== 'exactly-once' || (typeof transport.transact === 'function' && typeof transport.committed === 'function')) return;
  throw new OptionError(
    `pipeline ${name} asks for delivery 'exactly-once', and the transport (${String(transport.name)}) has no transactions: use one that has, or 'at-least-once'`,
  );
}
