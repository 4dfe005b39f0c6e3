import { systemClock } from '../../../clock.ts';
import type { FromChild, ToChild } from '../protocol.ts';
import { openEngine } from './engine.ts';
import { Outbox } from './outbox.ts';
import { errorData, Worker } from './worker.ts';

// The model's process. It lives as long as its channel: when the application goes, for whatever reason, so does this.

let worker: Worker | undefined;

const tell = (message: FromChild, sent?: () => void): void => {
  if (process.connected) process.send?.(message, undefined, undefined, sent);
};
const log = (level: 'debug' | 'warn' | 'error', message: string): void => {
  tell({ kind: 'log', level, message });
};

async function open(settings: (ToChild & { kind: 'open' })['settings']): Promise<void> {
  try {
    const engine = await openEngine(settings, log);
    const send = (events: (FromChild & { kind: 'events' })['events']): void => {
      tell({ kind: 'events', events });
    };
    const warn = (message: string): void => {
      log('warn', message);
    };
    worker = new Worker(engine, { outbox: new Outbox(send, systemClock), clock: systemClock, warn });
    tell({ kind: 'opened', facts: engine.facts });
  } catch (error) {
    tell({ kind: 'openFailed', error: errorData(error) }, () => process.exit(0));
  }
}

process.on('message', (message: ToChild) => {
  switch (message.kind) {
    case 'open':
      void open(message.settings);
      break;
    case 'start':
      worker?.start(message.id, message.work);
      break;
    case 'cancel':
      worker?.cancel(message.id);
      break;
  }
});
process.on('disconnect', () => process.exit(0));
// a terminal and a service manager signal the whole group; the application still drains through this process
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
