// A service with streams that stand still behind their first token, in a process of its own, so that its memory is its own.
import { concat, first, NEVER } from 'rxjs';
import { scripted } from '../../../src/inference/scripted/scripted.ts';
import type { Model } from '../../../src/inference/model.ts';
import { silentLog } from '../../../src/runtime/logging.ts';
import { serveModels } from '../../../src/service/serve-models.ts';
import { givenToWorker, reportFrom } from '../../helpers/worker.ts';

const { streams } = givenToWorker() as { readonly streams: number };
const inner = scripted('hello there');
const model: Model = {
  ...inner,
  chat: (prompt, options) => concat(inner.chat(prompt, options).pipe(first()), NEVER),
};
const service = await serveModels({
  models: { m: { name: 'm', open: () => Promise.resolve({ value: model, close: () => Promise.resolve() }) } },
  ...{ port: 0, concurrency: streams, log: silentLog },
});

process.on('message', () => {
  globalThis.gc?.();
  const { rss } = process.memoryUsage();
  reportFrom('memory', { bytes: rss });
});
process.on('disconnect', () => process.exit(0));
reportFrom('ready', { url: service.url });
