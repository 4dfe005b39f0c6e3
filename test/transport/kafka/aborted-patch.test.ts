import { describe, expect, it } from 'vitest';
import { hideAborted } from '../../../src/transport/kafka/aborted-patch.ts';

const record = (offset: number, producerId: string, key: Uint8Array | null = null) => ({
  offset: String(offset),
  key,
  isControlRecord: false,
  batchContext: { producerId, inTransaction: producerId !== '-1' },
});
const marker = (offset: number, producerId: string, type: 0 | 1) => ({
  ...record(offset, producerId, Buffer.from([0, 0, 0, type])),
  isControlRecord: true,
});
const aborted = (firstOffset: number, producerId: string) => ({ firstOffset: String(firstOffset), producerId });

describe('records of aborted transactions', () => {
  it.each([
    {
      what: 'one aborted among committed ones, and one outside of transactions',
      messages: [record(0, '1'), record(1, '2'), record(2, '-1'), marker(3, '1', 0), record(4, '1'), marker(5, '2', 1), marker(6, '1', 1)],
      abortedTransactions: [aborted(0, '1')],
      left: [1, 2, 3, 4, 5, 6],
    },
    {
      what: 'two that overlap, of which the later one was aborted first',
      messages: [record(0, '1'), record(1, '2'), record(2, '1'), marker(3, '2', 0), record(4, '1'), marker(5, '1', 0)],
      abortedTransactions: [aborted(1, '2'), aborted(0, '1')],
      left: [3, 5],
    },
    {
      what: 'several that have begun before the fetch',
      messages: [record(10, '1'), record(11, '2'), record(12, '3'), marker(13, '1', 0)],
      abortedTransactions: [aborted(5, '1'), aborted(7, '2'), aborted(9, '3')],
      left: [13],
    },
    {
      what: 'one whose record has the key of a marker',
      messages: [record(0, '1', Buffer.alloc(4)), record(1, '1'), marker(2, '1', 0)],
      abortedTransactions: [aborted(0, '1')],
      left: [2],
    },
    {
      what: 'two of one producer, with a committed one between them',
      messages: [record(0, '1'), marker(1, '1', 0), record(2, '1'), marker(3, '1', 1), record(4, '1'), marker(5, '1', 0)],
      abortedTransactions: [aborted(4, '1'), aborted(0, '1')],
      left: [1, 2, 3, 5],
    },
    { what: 'none', messages: [record(0, '1')], abortedTransactions: [], left: [0] },
  ])('are hidden: $what', ({ messages, abortedTransactions, left }) => {
    const partition = { messages, abortedTransactions };
    const markers = new Set(messages.filter(({ isControlRecord }) => isControlRecord));
    hideAborted(partition);
    expect(partition.abortedTransactions).toEqual([]);
    expect(messages.filter((one) => markers.has(one) || !one.isControlRecord).map(({ offset }) => Number(offset))).toEqual(left);
  });
});
