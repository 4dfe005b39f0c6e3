import type { ScriptedCall, ScriptedSaying } from '../../../src/inference/scripted/script.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';
import { silentLog } from '../../../src/runtime/logging.ts';
import { serveModels, type Service } from '../../../src/service/serve-models.ts';

export const said = 'Hello to all of you, and good-bye.';
export const key = 'a-key-of-16-letters';

/** Calls two functions, and tells what came of the last. */
const choosing = ({ turns }: ScriptedCall): ScriptedSaying => {
  const last = turns.at(-1);
  if (last?.toolCallId !== undefined) return `It is ${last.content}.`;
  return { toolCalls: ['Bern', 'Rome'].map((city) => ({ id: `call_${city}`, name: 'weather', arguments: JSON.stringify({ city }) })) };
};

/** Models that answer, choose tools, answer in JSON, are full, break down in the midst, and never end. */
export async function openScene(): Promise<{ readonly service: Service; readonly running: () => number }> {
  const endless = scripted(Array.from({ length: 4_000 }, () => 'on').join(' '), { tokenMs: 5 });
  const models = {
    m: scripted(said),
    tools: scripted(choosing, { capabilities: { tools: true } }),
    json: scripted('{"city":"Bern"}'),
    full: scripted(() => ({ fault: { kind: 'overload', retryAfterMs: 2_500 } })),
    broken: scripted(() => ({ text: 'one two three', fault: { kind: 'cut', afterTokens: 2 } })),
    endless,
  };
  const service = await serveModels({ models, port: 0, keys: [{ name: 'python', key }], log: silentLog });
  return { service, running: () => endless.stats.running };
}

/** What a client has to see, case by case. */
export const expected: Readonly<Record<string, unknown>> = {
  chat: { text: said, finish: 'stop', total: 10 },
  stream: { text: said, several: true, total: 10 },
  stream_helper: { text: said },
  json_schema: { city: 'Bern' },
  tool_named: { name: 'weather', arguments: { city: 'Bern' }, finish: 'tool_calls' },
  tool_chosen: {
    calls: [
      ['call_Bern', 'weather', 'Bern'],
      ['call_Rome', 'weather', 'Rome'],
    ],
    ...{ finish: 'tool_calls', 'in pieces': true, parsed: ['Bern', 'Rome'], after: 'It is 7.' },
  },
  embeddings: { count: 2, size: 64, same: true },
  models: { ids: ['m', 'tools', 'json', 'full', 'broken', 'endless'], one: 'm' },
  errors: {
    'no model': ['NotFoundError', 404, 'model_not_found'],
    'no messages': ['BadRequestError', 400, null],
    'too hot': ['BadRequestError', 400, null],
    full: ['RateLimitError', 429, 'rate_limit_exceeded'],
    'no key': ['AuthenticationError', 401, 'invalid_api_key'],
  },
  broken: { text: 'one two', error: 'APIError' },
  abort: { text: 'on' },
};
