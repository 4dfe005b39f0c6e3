import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import type { GenerationChunk } from '../../src/service/generation.state.ts';
import { type StreamFormat, streamAnswer } from '../../src/service/stream-answer.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

const chunk = (number: number): GenerationChunk => ({
  ...{ kind: 'chunk', number, attempt: 1, text: 'x', tokenCount: 1, totalTokenCount: number, tokenRate: 1, logProbabilities: [] },
});

it('takes nothing more of an answer while the connection is full, and goes on when it is not', () => {
  const written: string[] = [];
  const response = Object.assign(new EventEmitter(), {
    ...{ socket: {}, headersSent: true, writableEnded: false, writableLength: 0, writableNeedDrain: false },
    write: (text: string) => {
      written.push(text);
      response.writableNeedDrain = written.length % 3 === 0;
      return !response.writableNeedDrain;
    },
  });
  let taken = 0;
  const read = () => ({ take: () => (taken < 20 ? [chunk((taken += 1))] : []), isOver: () => false, leave: () => undefined });
  const format = {
    headers: {},
    opening: undefined,
    chunk: ({ number }: GenerationChunk) => String(number),
    refusal: undefined,
    replaces: true,
  };
  const limits = { clock: virtualClock(), slowReaderMs: 1_000, heartbeatMs: 1_000, headWithinMs: 1_000 };
  const told = { refuse: () => undefined, closed: () => undefined };
  streamAnswer(response as unknown as ServerResponse, read, format as unknown as StreamFormat, limits, told);
  expect([written, taken]).toEqual([['1', '2', '3'], 3]);
  response.writableNeedDrain = false;
  response.emit('drain');
  expect([written.slice(3), taken]).toEqual([['4', '5', '6'], 6]);
});
