import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLog } from '../../../src/runtime/logging.ts';
import { serveModels } from '../../../src/service/serve-models.ts';
import { embeddedModelFile, openEmbedded } from '../../helpers/embedded-model.ts';

/** A stream of `/v1/generate`, as far as it has come. */
export interface ModelStream {
  readonly text: () => string;
  /** Its last attempt's text. */
  readonly answer: () => string;
  /** How it ended: `whole`, or the code of its error. */
  readonly ended: Promise<string>;
}

interface Told {
  readonly text?: string;
  readonly attempt?: number;
  readonly finish_reason?: string;
  readonly error?: { readonly code: string };
}

const toldIn = (text: string): readonly Told[] => [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, data = '']) => JSON.parse(data) as Told);

/** The embedded model, from a file of its own in `folder`, in two workers behind a service. */
export async function openModelScene(folder: string) {
  const { path: original = '' } = await embeddedModelFile();
  const path = join(folder, 'model.gguf');
  await copyFile(original, path);
  const logged: string[] = [];
  const { model, pool, close } = await openEmbedded(
    { model: path, processes: 2, sequences: 1, threads: 2 },
    { log: (level, message, details) => level !== 'debug' && logged.push(`${message} ${JSON.stringify(details ?? {})}`) },
  );
  const m = { name: 'm', open: () => Promise.resolve({ value: model, close }) };
  const service = await serveModels({ models: { m }, port: 0, log: silentLog });
  const stream = (prompt: string, maxTokens: number): ModelStream => {
    let text = '';
    const read = async (): Promise<string> => {
      const body = JSON.stringify({ prompt, max_tokens: maxTokens });
      const response = await fetch(`${service.url}/v1/generate`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
      for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
      const last = toldIn(text).at(-1);
      return last?.error?.code ?? (last?.finish_reason === undefined ? 'a silent cut' : 'whole');
    };
    const answer = (): string => {
      const told = toldIn(text);
      const attempt = told.at(-1)?.attempt;
      return told.map((one) => (one.attempt === attempt ? (one.text ?? '') : '')).join('');
    };
    return { text: () => text, answer, ended: read() };
  };
  const isReady = async (): Promise<boolean> => (await fetch(`${service.url}/readyz`)).ok;
  return { path, service, pool, logged, stream, isReady };
}

export type ModelScene = Awaited<ReturnType<typeof openModelScene>>;
