import { connect, json, llama, memory, start, topic } from 'millrace';
import { cassette } from 'millrace/testing';
import { firstValueFrom, take, toArray } from 'rxjs';
import pipeline from '../../pipelines/first/pipeline.ts';

const model = cassette(llama({ model: 'smollm2' }), { file: 'test/docs/first.cassette.jsonl' });
const transport = memory();
const app = await start({ ...pipeline, resources: { model } }, { transport, createTopics: true });
const client = connect(transport);
await client.produce(topic('tickets', json()), [
  { key: 'a', value: { id: '1', text: 'Best radio I ever had!' } },
  { key: 'b', value: { id: '2', text: 'The worst radio, a waste of money.' } },
]);
export const judged = await firstValueFrom(client.consume(topic('tickets.judged', json())).pipe(take(2), toArray()));
await app.drain();
