import { randomUUID } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { scripted } from '../../src/inference/scripted/scripted.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { serveModels, type Service } from '../../src/service/serve-models.ts';
import { viaTopic, type ViaTopicOptions } from '../../src/service/via/via-topic.ts';
import { kafka } from '../../src/transport/kafka/kafka.ts';
import { startCli } from '../cli/run-cli.ts';
import { startOpenAiServer } from '../helpers/openai-server.ts';
import { describeWithKafka, sharedKafka } from '../helpers/shared-kafka.ts';
import { eventsIn, until } from '../service/serving.ts';

const said = 'This is the answer of the one that took over.';

describeWithKafka('serving through Kafka', () => {
  it('an answer whose worker is killed is begun anew by another one, and its reader is told', async () => {
    const { brokers } = await sharedKafka();
    const topic = `via-${randomUUID()}`;
    const slow = await startOpenAiServer({ tokenMs: 100, reply: () => ({ tokens: Array.from({ length: 600 }, () => ' slowly') }) });
    onTestFinished(() => slow.close());
    const up = async (options: Partial<ViaTopicOptions> = {}): Promise<Service> => {
      const transport = kafka({ brokers });
      const models = { m: viaTopic({ transport, topic, partitions: 2, ...options }) };
      const service = await serveModels({ models, port: 0, log: silentLog });
      onTestFinished(async () => {
        await service.close();
        await transport.close();
      });
      return service;
    };
    const worker = startCli(['serve', '--via', topic, '--model', `${slow.url}#served-1`, '--port', '0', '--brokers', brokers.join(',')]);
    await worker.seen(/is served at/);
    const { url } = await up();
    const ask = (): Promise<Response> =>
      fetch(`${url}/v1/generate`, { method: 'POST', body: '{"prompt":"hi"}', headers: { 'content-type': 'application/json' } });
    const leaving = new AbortController();
    const left = await fetch(`${url}/v1/chat/completions`, {
      ...{ method: 'POST', body: '{"stream":true,"messages":[{"role":"user","content":"hi"}]}', signal: leaving.signal },
      headers: { 'content-type': 'application/json' },
    });
    expect(left.status).toBe(200);
    expect(slow.running).toBe(1);
    leaving.abort();
    await until(() => slow.running === 0); // a cancel goes through the log, too
    const response = await ask();
    await until(() => slow.running === 1);
    const text = response.text();
    await new Promise((resolve) => setTimeout(resolve, 500));
    worker.child.kill('SIGKILL');
    await up({ model: scripted(said) });
    const events = eventsIn(await text);
    const values = events.slice(0, -1).map(({ data }) => JSON.parse(data) as { readonly attempt: number; readonly text?: string });
    const of = (attempt: number): string => values.map((one) => (one.attempt === attempt ? (one.text ?? '') : '')).join('');
    expect([of(1), of(2)]).toEqual([expect.stringMatching(/^( slowly)+$/), said]);
    expect([values.at(-1), events.at(-1)?.data]).toMatchObject([{ finish_reason: 'stop', attempt: 2 }, '[DONE]']);
  });
});
