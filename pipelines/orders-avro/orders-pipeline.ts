import { defer, map, of } from 'rxjs';
import { avro, definePipeline, llama, type Model, type Resource, type SchemaRegistry, topic } from 'millrace';
import { callTimeout, mapConcurrent, retryWithBackoff, routeBy } from 'millrace/operators';
import { noteJudge } from './judge-note.ts';
import { orderSchema, type SortedOrder, sortedOrderSchema } from './schema.ts';

export interface OrdersOptions {
  readonly registry: SchemaRegistry;
  /** @defaultValue llama({ model: 'smollm2' }) */
  readonly model?: Resource<Model>;
  /** Goes before the names of topics and group: `demo.` makes `demo.orders`. @defaultValue '' */
  readonly prefix?: string;
  /** Notes with a call running. @defaultValue 4 */
  readonly concurrency?: number;
}

/** The topics that the pipeline reads and writes. */
export const ordersTopics = (registry: SchemaRegistry, prefix = '') =>
  ({
    input: topic(`${prefix}orders`, avro({ registry, schema: orderSchema })),
    // both hold the same records, so both subjects have the same schema
    ready: topic(`${prefix}orders.ready`, avro({ registry, schema: sortedOrderSchema })),
    held: topic(`${prefix}orders.held`, avro({ registry, schema: sortedOrderSchema })),
    dead: topic(`${prefix}orders.dead`),
  }) as const;

/** Below this a person had better look: it has no majority. */
const leastConfidence = 0.5;

/** Whether an order must not be packed before somebody has read its note. */
export const isHeld = ({ wants, confidence }: Pick<SortedOrder, 'wants' | 'confidence'>): boolean =>
  wants !== 'none' && (wants !== 'thanks' || (confidence ?? 0) < leastConfidence);

/** Orders in, and out again to where they are packed or to where somebody reads what the customer has written. */
export function ordersPipeline({ registry, model = llama({ model: 'smollm2' }), prefix = '', concurrency = 4 }: OrdersOptions) {
  const { input, ready, held, dead } = ordersTopics(registry, prefix);
  return definePipeline({
    name: `${prefix}orders`,
    input,
    output: { ready, held },
    deadLetter: dead,
    ordering: 'key', // the orders of one customer leave in their order
    deadlineMs: 600_000,
    resources: { judge: noteJudge(model) },
    process: (orders, { judge }) =>
      orders.pipe(
        mapConcurrent(
          (order, ctx) => {
            const { note } = order;
            if (note === null || note.trim() === '')
              return of<SortedOrder>({ order, wants: 'none', confidence: null, model: null, tokens: 0 });
            return defer(() => judge(note, ctx)).pipe(
              callTimeout({ ms: 60_000 }),
              retryWithBackoff({ attempts: 4, initialMs: 250, maxMs: 10_000 }),
              map(
                ({ label, confidence, usage, model: who }): SortedOrder => ({
                  ...{ order, wants: label, confidence, model: who },
                  tokens: usage.totalTokens,
                }),
              ),
            );
          },
          { concurrency },
        ),
        routeBy((sorted) => (isHeld(sorted) ? 'held' : 'ready')),
      ),
  });
}
