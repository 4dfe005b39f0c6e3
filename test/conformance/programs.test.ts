import { systemClock } from '../../src/clock.ts';
import { server } from '../../src/inference/openai/server/server.ts';
import { describeModel } from './describe-model.ts';
import type { OpenModel } from './model/model-world.ts';

const program = new URL('../helpers/inference/model-program.ts', import.meta.url).pathname;
const apiKey = 'sk-very-secret-0123456789';
const prices = { inputPerMillion: 2, outputPerMillion: 10, cachedPerMillion: 1 };

/** What the program has seen so far; nothing while there is none. */
async function seenAt(port: unknown): Promise<{ readonly working: number; readonly done: number }> {
  try {
    return (await (await fetch(`http://127.0.0.1:${String(port)}/seen`)).json()) as { working: number; done: number };
  } catch {
    return { working: 0, done: 0 };
  }
}

describeModel('server', {
  open: async (): Promise<OpenModel> => {
    const options = {
      command: process.execPath,
      args: [program, '{port}'],
      server: 'llama-server',
      model: 'small',
      apiKey,
      prices,
    } as const;
    let at: Readonly<Record<string, unknown>> = {};
    const { value, close } = await server(options).open({
      clock: systemClock,
      signal: new AbortController().signal,
      log: (_, message, details = {}) => {
        if (message.includes('is ready') || message.includes('is at work again')) at = details;
      },
    });
    return {
      model: value,
      close,
      far: {
        working: async () => (await seenAt(at['port'])).working,
        done: async () => (await seenAt(at['port'])).done,
        crash: () => void process.kill(Number(at['pid']), 'SIGKILL'),
      },
    };
  },
  prices,
  secrets: [apiKey],
  faults: [
    { prompt: 'Fail: 500', code: 'model_failed' },
    { prompt: 'Fail: 401', code: 'model_unauthorized' },
    { prompt: 'Fail: 503', code: 'overloaded' },
    { prompt: 'Fail: 501', code: 'capability_missing' },
  ],
  cannot: {
    exactTokens: 'the API counts nothing before a call',
    contextTokens: 'the program knows it, and refuses what does not fit',
    tensors: 'the API has none',
    stopTokens: 'the API knows stop strings alone',
  },
});
