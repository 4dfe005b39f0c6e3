import { Subscription, type Observable } from 'rxjs';
import {
  type Client,
  type Clock,
  connect,
  deadLetterHeaders,
  headerText,
  type Log,
  type Model,
  type Output,
  type Position,
  type Resource,
  type SchemaRegistry,
  start,
  topic,
  type Transport,
} from 'millrace';
import { isHeld, ordersPipeline, ordersTopics } from './orders-pipeline.ts';
import { malformed, type SampleOrder } from './sample.ts';
import type { SortedOrder } from './schema.ts';

export interface RunOrdersOptions {
  readonly transport: Transport;
  readonly registry: SchemaRegistry;
  readonly model: Resource<Model>;
  readonly prefix: string;
  readonly sample: readonly SampleOrder[];
  readonly clock: Clock;
  readonly log: Log;
  readonly out: Output;
  /** This process's name over restarts, if it has one. */
  readonly instance?: string | undefined;
  /** Finishes what is in flight, and ends. */
  readonly signal: AbortSignal;
}

export interface OrdersSummary {
  readonly orders: number;
  readonly ready: number;
  readonly held: number;
  readonly failed: number;
  /** Orders with a note, and how many of them are sorted as we meant. */
  readonly notes: number;
  readonly agreed: number;
  readonly tokens: number;
  /** Whether all have come out. */
  readonly isComplete: boolean;
}

const partitions = 4;
const drainDeadlineMs = 20_000;

/**
 * Writes the sample as a shop would, runs the pipeline, and shows each order as it comes out of its topic. Resolves when all have come, or after `signal` with what has.
 * Closes all it opened, but not the transport.
 */
export async function runOrders(options: RunOrdersOptions): Promise<OrdersSummary> {
  const { transport, registry, model, prefix, sample, clock, log, instance, signal } = options;
  const { input, ...others } = ordersTopics(registry, prefix);
  await transport.createTopics([input, ...Object.values(others)].map(({ name }) => ({ name, partitions })));
  const client = connect(transport, { clock, log });
  const view = new View(options);
  try {
    await view.read(client);
    await client.produce(topic(input.name), [malformed], { signal });
    await client.produce(
      input,
      sample.map(({ order }) => ({ key: order.customer, value: order })),
      { signal },
    );
    const pipeline = ordersPipeline({ registry, model, prefix });
    const app = await start(pipeline, {
      transport,
      clock,
      log,
      ...{ signals: false, signal },
      ...(instance === undefined ? {} : { instance }),
    });
    app.done.then(view.end, view.fail);
    try {
      await view.ended;
    } finally {
      await app.drain({ deadlineMs: drainDeadlineMs });
    }
    return view.summary();
  } finally {
    view.close();
    await client.close();
  }
}

/** What is seen from outside: the output topics and the dead letters. */
class View {
  readonly #options: RunOrdersOptions;
  readonly #sorted = new Map<string, SortedOrder>();
  readonly #reading = new Subscription();
  readonly #over = Promise.withResolvers<undefined>();
  #failed = 0;

  constructor(options: RunOrdersOptions) {
    this.#options = options;
    this.#over.promise.catch(() => undefined); // it may fail before anybody waits
    options.signal.addEventListener('abort', this.end, { once: true });
    if (options.signal.aborted) this.end();
  }

  /** Resolves when all have come out or nothing more will, rejects when it cannot go on. */
  get ended(): Promise<undefined> {
    return this.#over.promise;
  }

  readonly end = (): void => {
    this.#over.resolve(undefined);
  };

  readonly fail = (error: unknown): void => {
    this.#over.reject(error instanceof Error ? error : new Error('reading the results failed', { cause: error }));
  };

  /** Reads what is written from now on. */
  async read(client: Client): Promise<void> {
    const { registry, prefix, out, sample, transport } = this.#options;
    const { ready, held, dead } = ordersTopics(registry, prefix);
    const meant = new Map(sample.map(({ order, meant: kind }) => [order.id, kind]));
    const described = await transport.describeTopics([ready, held, dead].map(({ name }) => name));
    const isNew = ({ topic: of, partition, offset }: Position): boolean =>
      offset >= (described.get(of)?.partitions.find((one) => one.partition === partition)?.high ?? 0n);
    for (const one of [ready, held])
      this.#read(client.consume(one, { undecodable: 'skip' }), ({ value, position }) => {
        const { id } = value.order;
        if (!isNew(position) || !meant.has(id) || this.#sorted.has(id)) return; // of an earlier run, another's, or once more
        this.#sorted.set(id, value);
        out.json({ ...value, held: isHeld(value), meant: meant.get(id) });
        out.line(resultLine(value, out.width));
      });
    this.#read(client.consume(dead), ({ headers, position }) => {
      if (!isNew(position)) return;
      const [code, message] = [deadLetterHeaders.code, deadLetterHeaders.message].map((name) => headerText(headers, name) ?? '?');
      this.#failed += 1;
      out.json({ deadLetter: { code, message } });
      out.line(`dead   ${String(code)}: ${String(message)}`);
    });
  }

  #read<T>(records: Observable<T>, see: (record: T) => void): void {
    const next = (record: T): void => {
      see(record);
      if (this.summary().isComplete) this.end();
    };
    this.#reading.add(records.subscribe({ next, error: this.fail }));
  }

  summary(): OrdersSummary {
    const { sample } = this.#options;
    const sorted = [...this.#sorted.values()];
    const held = sorted.filter(isHeld).length;
    const noted = sample.filter(({ meant, order }) => meant !== 'none' && this.#sorted.has(order.id));
    return {
      ...{ orders: sample.length, ready: sorted.length - held, held, failed: this.#failed },
      notes: noted.length,
      agreed: noted.filter(({ meant, order }) => this.#sorted.get(order.id)?.wants === meant).length,
      tokens: sorted.reduce((sum, { tokens }) => sum + tokens, 0),
      isComplete: sorted.length + this.#failed > sample.length, // the malformed one, too
    };
  }

  close(): void {
    this.#options.signal.removeEventListener('abort', this.end);
    this.#reading.unsubscribe();
  }
}

/** One result: where it went, why, its amount, and the note as far as the line is wide. */
export function resultLine(sorted: SortedOrder, width: number): string {
  const { order, wants, confidence } = sorted;
  const sure = confidence === null ? '    ' : confidence.toFixed(2);
  const facts = `${isHeld(sorted) ? 'held ' : 'ready'}  ${order.id}  ${wants.padEnd(9)}  ${sure}  ${order.amount.padStart(8)} ${order.currency}  `;
  const room = Math.max(20, width - facts.length - 1);
  const note = order.note ?? '';
  return (facts + (note.length > room ? `${note.slice(0, room - 1)}…` : note)).trimEnd();
}
