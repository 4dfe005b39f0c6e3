import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Clock } from '../clock.ts';
import type { LoadPlan } from './load-plan.ts';

const withinMs = 5_000;
const mostCharacters = 1_048_576;

/** The first model that `/v1/models` of the target names; undefined where it does not, within 5 s or until the signal: many servers need no name. */
export function servedModelName(
  { target }: Pick<LoadPlan, 'target'>,
  apiKey: string | undefined,
  clock: Clock,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const url = new URL(target.url);
  url.pathname = url.pathname.replace(/\/(chat\/)?completions\/*$/, '/models');
  url.search = '';
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    const request = send(url, { headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` } }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
        if (text.length > mostCharacters) request.destroy();
      });
      response.on('end', () => settle(firstIn(text)));
      response.on('error', () => settle(undefined));
      response.on('close', () => settle(undefined));
    });
    const cancel = clock.schedule(withinMs, () => request.destroy());
    const stop = (): void => void request.destroy();
    signal?.addEventListener('abort', stop, { once: true });
    const settle = (name: string | undefined): void => {
      cancel();
      signal?.removeEventListener('abort', stop);
      resolve(name);
    };
    request.on('error', () => settle(undefined));
    request.end();
  });
}

function firstIn(text: string): string | undefined {
  try {
    const { data } = JSON.parse(text) as { readonly data?: readonly { readonly id?: unknown }[] };
    const id = data?.[0]?.id;
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}
