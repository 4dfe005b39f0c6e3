import { firstValueFrom, map } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { mapConcurrent } from '../../../operators/map-concurrent.ts';
import { jsonSchema } from '../../../src/codec/json-schema/json-schema.ts';
import { subjectSchema } from '../../../src/codec/json-schema/subject-schema.ts';
import { registry } from '../../../src/codec/registry/registry.ts';
import { text } from '../../../src/codec/text.ts';
import { deadLetterHeaders } from '../../../src/flow/dead-letters.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';
import { definePipeline, topic } from '../../../src/pipeline.ts';
import { headerText } from '../../../src/record/record.ts';
import { connect } from '../../../src/runtime/connect.ts';
import { silentLog } from '../../../src/runtime/logging.ts';
import { start } from '../../../src/runtime/start.ts';
import { memory } from '../../../src/transport/memory/memory.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { type RegistryServer, registryServer } from '../../helpers/registry-server.ts';

interface Mood {
  readonly mood: 'good' | 'bad';
}
const stars = { type: 'integer', minimum: 1, maximum: 5 };
const moodOf = (...moods: readonly string[]): object => ({
  ...{ type: 'object', additionalProperties: false, required: ['mood', 'stars'] },
  properties: { mood: { enum: moods }, stars: { $ref: 'stars.json' } },
});
const references = [{ name: 'stars.json', subject: 'stars', version: 1 }];
const open: RegistryServer[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function served() {
  const server = await registryServer();
  open.push(server);
  await server.schemas.register('stars', { schema: JSON.stringify(stars), schemaType: 'JSON' });
  await server.schemas.register('moods-value', { schema: JSON.stringify(moodOf('good', 'bad')), schemaType: 'JSON', references });
  return { ...server, schemas: server.schemas, client: registry({ url: server.url, retryMs: 0 }) };
}

describe('the schema of a subject, over HTTP', () => {
  it('is what the model is asked for, and what its output is checked against', async () => {
    const { client } = await served();
    const moods = topic('moods', jsonSchema<Mood>({ registry: client, subject: 'moods-value' }));
    const reviews = topic('reviews', text());
    const dead = topic('reviews.dead');
    const model = scripted(({ text: said }) => (said.includes('Worth') ? '{"mood":"good","stars":5}' : '{"mood":"good","stars":6}'));
    const pipeline = definePipeline({
      ...{ name: 'moods', input: reviews, output: moods, deadLetter: dead },
      resources: { model, Mood: subjectSchema<Mood>({ registry: client, subject: 'moods-value' }) },
      process: (source, { model: opened, Mood }) =>
        source.pipe(
          mapConcurrent((review, ctx) => opened.answer(review, { schema: Mood, repairs: 0 }, ctx).pipe(map(({ value }) => value)), {
            concurrency: 2,
          }),
        ),
    });
    const transport = memory();
    const app = await start(pipeline, { transport, createTopics: true, log: silentLog, signals: false });
    const reader = connect(transport, { log: silentLog });
    await reader.produce(reviews, [
      { key: 'a', value: 'Worth every cent.' },
      { key: 'b', value: 'Broke at once.' },
    ]);
    expect((await firstValueFrom(reader.consume(moods))).value).toEqual({ mood: 'good', stars: 5 });
    const { headers } = await firstValueFrom(reader.consume(dead));
    expect([headerText(headers, deadLetterHeaders.code), headerText(headers, deadLetterHeaders.message)]).toEqual([
      'answer_invalid',
      expect.stringContaining('stars'),
    ]);
    await app.drain();
    await reader.close();
    await transport.close();
  });

  it('is the version that is asked for', async () => {
    const { client, schemas } = await served();
    schemas.setCompatibility('moods-value', 'NONE');
    await schemas.register('moods-value', { schema: JSON.stringify(moodOf('glad')), schemaType: 'JSON', references });
    const context = { clock: undefined as never, signal: new AbortController().signal, log: () => undefined };
    const validated = async (version: number | 'latest') => {
      const { value } = await subjectSchema({ registry: client, subject: 'moods-value', version }).open(context);
      return 'issues' in value['~standard'].validate({ mood: 'good', stars: 1 });
    };
    expect([await validated(1), await validated('latest')]).toEqual([false, true]);
    const none = await failureOf(subjectSchema({ registry: client, subject: 'none-value' }).open(context));
    expect(none.code).toBe('schema_not_found');
  });
});
