import { registerHooks } from 'node:module';
import type { Interrupt } from './interrupt.ts';

/** Says that this process is the child of `--watch`, which then speaks over the channel between them. */
export const supervisedVariable = 'MILLRACE_SUPERVISED';

export type ToSupervisor = { readonly loads: string };
export type FromSupervisor = 'stop' | 'stop-now';

/**
 * The child's side of `--watch`: tells which files are loaded, and stops when told to, or when nobody is left to tell.
 * Signals of the terminal reach both processes; the child leaves them to its parent, which knows the first from the second.
 */
export function supervised(interrupt: Interrupt): { readonly release: () => void } {
  if (process.env[supervisedVariable] !== '1' || process.send === undefined) return { release: () => undefined };
  interrupt.release();
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore);
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      const found = next(specifier, context);
      if (found.url.startsWith('file:') && process.connected) process.send?.({ loads: found.url } satisfies ToSupervisor);
      return found;
    },
  });
  const onMessage = (message: unknown): void => {
    if (message === 'stop') interrupt.ask('SIGTERM');
    if (message === 'stop-now') process.exit(143);
  };
  const onAlone = (): void => {
    interrupt.ask('SIGTERM');
  };
  process.on('message', onMessage).once('disconnect', onAlone);
  return {
    release: () => {
      hooks.deregister();
      process.off('message', onMessage).off('disconnect', onAlone);
      if (process.connected) process.disconnect();
    },
  };
}
