import OpenAI from 'openai';
import { afterEach } from 'vitest';
import { scripted, type ScriptedOptions } from '../../src/inference/scripted/scripted.ts';
import type { Script } from '../../src/inference/scripted/script.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { serveModels, type ServeModelsOptions, type Service } from '../../src/service/serve-models.ts';

const toClose: Service[] = [];
afterEach(async () => {
  await Promise.all(toClose.splice(0).map((one) => one.close()));
});

/** A service on a free port, closed after the test. */
export async function serve(options: ServeModelsOptions): Promise<Service> {
  const service = await serveModels({ port: 0, log: silentLog, ...options });
  toClose.push(service);
  return service;
}

interface PostInit extends Omit<RequestInit, 'headers'> {
  readonly headers?: Readonly<Record<string, string>>;
}

/** A scripted model that is served as `m`. */
export async function serveScript(script: Script, model: ScriptedOptions = {}, options: Partial<ServeModelsOptions> = {}) {
  const m = scripted(script, model);
  const service = await serve({ models: { m }, ...options });
  const client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: options.keys?.[0]?.key ?? 'none', maxRetries: 0 });
  const post = (path: string, body: unknown, init: PostInit = {}): Promise<Response> =>
    fetch(`${service.url}${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...init,
      headers: { 'content-type': 'application/json', ...init.headers },
    });
  return { service, client, model: m, post };
}

/** An event of a stream, as it came. */
export interface SeenEvent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: string;
}

/** The events of a text in the form of server-sent events; comments are left out. */
export const eventsIn = (text: string): readonly SeenEvent[] =>
  text.split('\n\n').flatMap((block) => {
    const lines = block.split('\n');
    const field = (name: string): string | undefined => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    const data = field('data');
    return data === undefined ? [] : [{ id: field('id'), event: field('event'), data }];
  });

/** Waits until it holds; a test's own limit ends it. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 2));
}
