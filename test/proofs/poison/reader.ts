// Reads dead letters with a kafkajs that knows nothing of Millrace, in a process where nobody has patched it.
import { Kafka, logLevel } from 'kafkajs';
import { readTopic } from '../../helpers/read-topic.ts';
import { givenToWorker, reportFrom } from '../../helpers/worker.ts';
import type { Letter } from './case.ts';

const { brokers, topic } = givenToWorker() as { readonly brokers: string[]; readonly topic: string };
const messages = await readTopic(new Kafka({ brokers, logLevel: logLevel.NOTHING }), topic);
const letters = messages.map(
  ({ key, value, headers = {} }): Letter => ({
    key: key?.toString() ?? null,
    value: value?.toString('base64') ?? null,
    headers: Object.fromEntries(Object.entries(headers).map(([name, one]) => [name, String(one)])),
  }),
);
process.once('message', () => {
  process.disconnect(); // not before the letters have been taken: they are more than a pipe holds
});
reportFrom('read', { letters });
