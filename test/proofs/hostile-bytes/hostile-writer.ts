// Writes all that means harm. In a process of its own: to make 100 MB of a record takes its client up to a second, in which the good writer's records would have their time already.
import { Kafka, logLevel } from 'kafkajs';
import { givenToWorker, reportFrom } from '../../helpers/worker.ts';
import { prepared, writeHostile } from './write.ts';

const { brokers, betweenMs } = givenToWorker() as { readonly brokers: readonly string[]; readonly betweenMs: number };
const kafka = new Kafka({ clientId: 'hostile-writer', brokers: [...brokers], logLevel: logLevel.NOTHING, requestTimeout: 60_000 });
const harm = await prepared();
process.once('disconnect', () => {
  process.exit(1); // whoever wanted to know is gone
});
process.once('message', () => {
  void writeHostile(kafka, harm, betweenMs).then((hostile) => {
    process.removeAllListeners('disconnect');
    reportFrom('written', hostile);
    process.disconnect();
  });
});
reportFrom('started');
