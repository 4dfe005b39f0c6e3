import type { FromChild, ToChild, Work, WorkEvent } from '../../../src/inference/llama/protocol.ts';

/*
 * Stands in for the engine: keeps the protocol, computes nothing. What a chat says in its last turn is what happens: `crash` ends the
 * process by a signal of its own, `leave` ends it with an exit code, `grow` takes more memory, `later` answers after 400 ms, `spoil` fails as a GPU does after an assertion, `wait` never
 * ends by itself, all else is answered with the process's id.
 */

const tell = (message: FromChild): void => {
  process.send?.(message);
};
const events = (...all: WorkEvent[]): void => {
  tell({ kind: 'events', events: all });
};
const open = new Set<number>();
let memoryBytes = 1_000;
const noUsage = { inputTokens: 1, cachedTokens: 0, outputTokens: 1, totalTokens: 2 };

function chat(id: number, said: string): void {
  switch (said) {
    case 'crash':
      process.stderr.write('GGML_ASSERT(n_tokens > 0) failed\n', () => process.kill(process.pid, 'SIGSEGV'));
      return;
    case 'leave':
      process.exit(7);
      break;
    case 'spoil':
      events({
        kind: 'failed',
        id,
        error: { code: 'model_failed', message: 'the model failed: CUDA error: device-side assert triggered' },
      });
      return;
    case 'grow':
      memoryBytes += 100_000;
      events({ kind: 'done', id, result: { usage: noUsage, finishReason: 'stop', timings: { queuedMs: 0, promptMs: 0 } } });
      return;
    case 'later':
      setTimeout(() => chat(id, 'hello'), 400);
      return;
    case 'wait':
      open.add(id);
      events({ kind: 'text', id, text: 'waiting', tokenCount: 1 });
      return;
    default:
      events(
        { kind: 'text', id, text: String(process.pid), tokenCount: 1 },
        { kind: 'done', id, result: { usage: noUsage, finishReason: 'stop', timings: { queuedMs: 7, promptMs: 3 } } },
      );
  }
}

function start(id: number, work: Work): void {
  if (work.kind === 'chat') chat(id, work.turns.at(-1)?.content ?? '');
  else if (work.kind === 'count') events({ kind: 'done', id, result: { tokens: 1 } });
  else if (work.kind === 'activity') {
    const counts = { inputTokens: 0, outputTokens: 0, running: open.size, waiting: 0, heldTokens: 64, memoryBytes };
    events({ kind: 'done', id, result: counts });
  } else events({ kind: 'done', id, result: { logProbabilities: [0, -1], usage: noUsage } });
}

process.on('message', (message: ToChild) => {
  switch (message.kind) {
    case 'open':
      tell({ kind: 'opened', facts: { modelName: 'fake', contextTokens: 64, trainedTokens: 64, gpu: false } });
      break;
    case 'start':
      start(message.id, message.work);
      break;
    case 'cancel':
      if (open.delete(message.id)) events({ kind: 'stopped', id: message.id });
  }
});
process.on('disconnect', () => process.exit(0));
