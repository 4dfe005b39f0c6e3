import { OptionError } from '../errors.ts';
import type { Settings } from './settings.ts';

/** @throws OptionError where another process would have to reach the embedded broker. */
export function requireKafka(command: string, { transport }: Settings): void {
  if (transport === 'kafka') return;
  throw new OptionError(
    `${command} needs a broker that outlives it, and the embedded one (--transport memory, the default) lives within one process: ` +
      'say --transport kafka with --brokers HOST:PORT, or feed a pipeline directly with `millrace run PIPELINE --input FILE`',
  );
}
