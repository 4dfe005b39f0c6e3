import { expect, it } from 'vitest';
import { messageOf } from '../../src/errors.ts';
import { Closers } from '../../src/runtime/closers.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

it('closes in reverse order, tells what fails, leaves what hangs, and leaves no timer', async () => {
  const clock = virtualClock(0);
  const said: string[] = [];
  const closers = new Closers(clock, (error) => said.push(messageOf(error)));
  closers.add(() => void said.push('first'));
  closers.add(() => Promise.reject(new Error('broken')));
  closers.add(() => new Promise(() => undefined));
  closers.add(() => Promise.resolve(void said.push('last')));
  const closed = closers.close().then(() => said.push(`at ${String(clock.nowMs())}`));
  await clock.advance(60_000);
  await closed;
  expect(said).toEqual(['last', 'not closed within 3000 ms', 'broken', 'first', 'at 3000']);
});
