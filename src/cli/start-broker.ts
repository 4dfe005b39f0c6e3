import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface StartedBroker {
  readonly brokers: readonly string[];
  /** Ends it and its data; idempotent. */
  stop(): Promise<void>;
}

/** The program in Millrace's own repository that starts a Kafka from jars; a package does not have it. */
export function brokerStarter(): string | undefined {
  const path = join(import.meta.dirname, '../../test/helpers/kafka-server.ts');
  return existsSync(path) ? path : undefined;
}

const keptErrors = 20;

/** Starts a Kafka on a free port, in a process group of its own: a Ctrl-C here must not take it away from a pipeline that drains. */
export async function startBroker(starter: string, signal: AbortSignal): Promise<StartedBroker> {
  signal.throwIfAborted();
  const child = spawn(process.execPath, [starter, '--port', '0', '--until-stdin-ends'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const gone = new Promise<string>((resolve) => {
    child.once('error', (error) => {
      resolve(error.message);
    });
    child.once('exit', (code, by) => {
      resolve(by ?? `exit code ${String(code)}`);
    });
  });
  const errors: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    errors.push(line);
    if (errors.length > keptErrors) errors.shift();
  });
  const stop = async (): Promise<void> => {
    signal.removeEventListener('abort', onAbort);
    child.stdin.end(); // also what happens when this process is killed
    await gone;
  };
  const ready = new Promise<readonly string[]>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const brokers = /ready at (\S+)/.exec(line)?.[1];
      if (brokers !== undefined) resolve(brokers.split(','));
    });
  });
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => undefined);
  const onAbort = (): void => {
    aborted.reject(new DOMException('the start of the broker was given up', 'AbortError'));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  const failed = gone.then((why) => {
    throw new Error(errors.findLast((line) => /Error: /.test(line))?.replace(/^.*?Error: /, '') ?? why);
  });
  failed.catch(() => undefined);
  try {
    const brokers = await Promise.race([ready, failed, aborted.promise]);
    signal.removeEventListener('abort', onAbort); // from now on the command decides when it goes
    return { brokers, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
