import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { EventStream } from '../../src/service/event-stream.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

/** A connection that takes nothing, though what waits is still short enough to be written. */
function stuck() {
  const clock = virtualClock();
  const ended: string[] = [];
  const response = Object.assign(new EventEmitter(), {
    ...{ socket: {}, headersSent: true, writableEnded: false, writableLength: 5, writableFinished: false, writableNeedDrain: false },
    write: () => true,
    end: () => undefined,
    destroy: () => response.emit('close'),
  });
  const stream = new EventStream(response as unknown as ServerResponse, {
    ...{ clock, slowReaderMs: 30_000, heartbeatMs: 15_000, headers: {}, onDrain: () => undefined },
    onClose: (how) => ended.push(how),
  });
  return { clock, stream, ended };
}

it('waits for a reader who does not take the last of an answer as long as for any, and drops it', async () => {
  const { clock, stream, ended } = stuck();
  stream.write('data: x\n\n');
  stream.end();
  await clock.advance(29_999);
  expect(ended).toEqual([]);
  await clock.advance(1);
  expect(ended).toEqual(['slow']);
});
