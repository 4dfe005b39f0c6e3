import { onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../../../src/clock.ts';
import { openServer, type OpenedServer } from '../../../../src/inference/openai/server/server.ts';
import { resolveServerOptions, type ServerOptions } from '../../../../src/inference/openai/server/server-options.ts';

const program = new URL('../../../helpers/server-program.ts', import.meta.url).pathname;

/** Waits only so many times shorter than it is asked to, while time goes as ever: how long programs take to start is the machine's business. */
export const impatientClock = (times: number): Clock => ({
  nowMs: () => systemClock.nowMs(),
  schedule: (delayMs, callback) => systemClock.schedule(delayMs / times, callback),
});

export interface Logged {
  readonly level: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export const served = (fault: string, options: Partial<ServerOptions> = {}): ServerOptions => ({
  command: process.execPath,
  args: [program, '{port}', fault],
  model: 'served-1',
  readyWithinMs: 60_000,
  ...options,
});

/** A server with a fault, closed when the test is over; and what it told. */
export async function opened(
  fault: string,
  options: Partial<ServerOptions> = {},
  { clock = systemClock, signal = new AbortController().signal }: { readonly clock?: Clock; readonly signal?: AbortSignal } = {},
): Promise<OpenedServer & { readonly logged: readonly Logged[]; readonly close: () => Promise<void> }> {
  const logged: Logged[] = [];
  const log = (level: string, message: string, details: Readonly<Record<string, unknown>> = {}): void => {
    logged.push({ level, message, details });
  };
  const { value, close } = await openServer(resolveServerOptions(served(fault, options)), { clock, signal, log });
  onTestFinished(close);
  return { ...value, logged, close };
}

/** Whether a process is there; one that is dead and waits for its parent is not. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}
