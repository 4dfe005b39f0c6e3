import type { Order, SortedOrder } from './schema.ts';

/** An order of the sample, and what its note wants in our eyes. */
export interface SampleOrder {
  readonly order: Order;
  readonly meant: SortedOrder['wants'];
}

/**
 * Reads `sample.jsonl`: a line of JSON an order, with `meant` beside its fields. Whether an order fits the schema is the codec's to say.
 * @throws Error with the number of the line that is none.
 */
export const parseSample = (text: string): readonly SampleOrder[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, index) => {
      const { meant, placedAt, ...rest } = JSON.parse(line) as Omit<Order, 'placedAt'> & {
        readonly meant?: SortedOrder['wants'];
        readonly placedAt: string;
      };
      const time = new Date(placedAt);
      if (meant === undefined || Number.isNaN(time.getTime()))
        throw new Error(`line ${String(index + 1)} of the orders: expected meant, and placedAt as an ISO time`);
      return { order: { ...rest, placedAt: time }, meant };
    });

/** A shop that nobody has told of Avro: its order is a dead letter. */
export const malformed = { key: 'c-0', value: new TextEncoder().encode('{"id": "o-4000", "note": "we still write JSON"}') } as const;
