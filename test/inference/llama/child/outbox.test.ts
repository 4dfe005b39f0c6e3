import { expect, it } from 'vitest';
import { Outbox } from '../../../../src/inference/llama/child/outbox.ts';
import type { WorkEvent } from '../../../../src/inference/llama/protocol.ts';
import { virtualClock } from '../../../../src/virtual-clock.ts';

const text = (id: number, words: string): WorkEvent => ({ kind: 'text', id, text: words, tokenCount: words.length });
const done = (id: number): WorkEvent => ({ kind: 'done', id, result: { tokens: 1 } });

const make = () => {
  const clock = virtualClock();
  const sent: (readonly WorkEvent[])[] = [];
  return { clock, sent, outbox: new Outbox((events) => sent.push(events), clock) };
};

it('gathers the pieces of all works for 5 ms, joining those of one work that follow each other', async () => {
  const { clock, sent, outbox } = make();
  for (const event of [text(1, 'a'), text(1, 'b'), text(2, 'x'), text(1, 'c')]) outbox.push(event);
  await clock.advance(4);
  expect(sent).toEqual([]);
  await clock.advance(1);
  expect(sent).toEqual([[text(1, 'ab'), text(2, 'x'), text(1, 'c')]]);
  await clock.advance(100);
  expect(sent).toHaveLength(1);
});

it('sends an end at once, behind what came before', () => {
  const { sent, outbox } = make();
  outbox.push(text(1, 'a'));
  outbox.push(done(1));
  expect(sent).toEqual([[text(1, 'a'), done(1)]]);
});

it('tells nothing of a work that was dropped', async () => {
  const { clock, sent, outbox } = make();
  outbox.push(text(1, 'a'));
  outbox.push(text(2, 'b'));
  outbox.drop(1);
  await clock.advance(5);
  expect(sent).toEqual([[text(2, 'b')]]);
});

it('joins the tokens of joined pieces', () => {
  const { sent, outbox } = make();
  const token = (name: string) => ({ token: name, logProbability: -1, top: [] });
  outbox.push({ kind: 'text', id: 1, text: 'a', tokenCount: 1, tokens: [token('a')] });
  outbox.push({ kind: 'text', id: 1, text: 'bc', tokenCount: 2, tokens: [token('b'), token('c')] });
  outbox.flush();
  expect(sent).toEqual([[{ kind: 'text', id: 1, text: 'abc', tokenCount: 3, tokens: ['a', 'b', 'c'].map(token) }]]);
});
