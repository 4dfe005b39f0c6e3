import { concatMap, defer, from, map, type Observable } from 'rxjs';
import { sleep, systemClock } from '../../../src/clock.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';
import type { ChatChunk, Model } from '../../../src/inference/model.ts';
import { silentLog } from '../../../src/runtime/logging.ts';
import { serveModels } from '../../../src/service/serve-models.ts';
import { EventReader } from '../../../src/load/event-reader.state.ts';

const everyMs = 20;

/** A model whose every piece is the time at which it left the model. */
function stamping(pieces: number): Model {
  const inner = scripted(Array.from({ length: pieces }, () => 'word').join(' '));
  const stamped = (said: Observable<ChatChunk>): Observable<ChatChunk> =>
    said.pipe(
      concatMap((chunk) => defer(() => from(chunk.text === '' ? Promise.resolve() : sleep(systemClock, everyMs))).pipe(map(() => chunk))),
      map((chunk) => (chunk.text === '' ? chunk : { ...chunk, text: `${systemClock.nowMs().toFixed(3)};` })),
    );
  return { ...inner, chat: (prompt, options) => stamped(inner.chat(prompt, options)) };
}

/** From a piece's leaving the model to a client that has it, in ms; service and client in one process and by one clock, so the client's own work is in it. */
export async function chunkDelays(streams: number, pieces: number): Promise<readonly number[]> {
  const model = stamping(pieces);
  const service = await serveModels({
    models: { m: { name: 'm', open: () => Promise.resolve({ value: model, close: () => Promise.resolve() }) } },
    ...{ port: 0, concurrency: streams, log: silentLog },
  });
  try {
    const all = await Promise.all(Array.from({ length: streams }, () => delaysOf(`${service.url}/v1/generate`)));
    return all.flat();
  } finally {
    await service.close();
  }
}

async function delaysOf(url: string): Promise<readonly number[]> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"prompt":"hello"}' });
  const reader = new EventReader();
  const delays: number[] = [];
  for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const nowMs = systemClock.nowMs();
    for (const { data } of reader.push(text)) {
      const [, stamp] = /"text":"(?:[^"]*;)?(\d+\.\d+);"/.exec(data) ?? [];
      if (stamp !== undefined) delays.push(nowMs - Number(stamp));
    }
  }
  return delays;
}
