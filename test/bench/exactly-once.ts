import { Kafka, logLevel } from 'kafkajs';
import type { ExperimentContext, ExperimentResult } from '../helpers/experiment.ts';
import { startKafka } from '../helpers/kafka-broker.ts';
import { fact, fill, inPairs, measureRate, medianRate, ratio, showRate, withTopics } from './overhead/measure.ts';

export const name = 'exactly-once';
export const summary = 'what exactly-once costs against at-least-once, in records/s and CPU; about 3 minutes, --short 1';

const program = new URL('overhead/engine.ts', import.meta.url);
const deliveries = ['at-least-once', 'exactly-once'] as const;
const pairs = 3;
const input = 'orders';

export async function run(context: ExperimentContext): Promise<ExperimentResult> {
  const broker = await startKafka();
  try {
    const bench = {
      ...context,
      kafka: new Kafka({ clientId: name, brokers: [...broker.brokers], logLevel: logLevel.ERROR }),
      brokers: broker.brokers,
    };
    const records = bench.short ? 100_000 : 500_000;
    return await withTopics(bench, [input], async () => {
      await fill(bench, input, records);
      const rates = await inPairs(deliveries, pairs, (delivery, pair) =>
        measureRate(bench, program, { input, output: `orders.${delivery}.${String(pair)}`, records, delivery }),
      );
      const [loose, exact] = deliveries.map((delivery) => medianRate(rates[delivery]));
      if (!loose || !exact) throw new Error('expected two rates');
      return {
        measured: [
          fact('at least once, median', showRate(loose)),
          fact('exactly once, median', showRate(exact)),
          fact(
            `exactly once / at least once, median of ${String(pairs)} pairs`,
            ratio(rates['exactly-once'], rates['at-least-once']).shown,
          ),
          fact('CPU that it adds', `${(exact.cpuUs - loose.cpuUs).toFixed(2)} µs a record`),
        ],
        pass: true,
      };
    });
  } finally {
    await broker.stop();
  }
}
