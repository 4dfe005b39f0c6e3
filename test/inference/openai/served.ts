import { afterEach, type Mock, vi } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import type { ChatChunk, Model } from '../../../src/inference/model.ts';
import { type OpenAiCompatibleOptions, openAiCompatible } from '../../../src/inference/openai/openai-compatible.ts';
import { type ServerReply, startOpenAiServer } from '../../helpers/openai-server.ts';
import { allOf } from '../../helpers/result-of.ts';

export const apiKey = 'sk-very-secret-0123456789';
export const toClose: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).toReversed()) await close();
});

/** A model, opened, with its log. */
export const opened = async (options: Partial<OpenAiCompatibleOptions> & { baseUrl: string }) => {
  const log: Mock = vi.fn();
  const resource = openAiCompatible({ model: 'small', apiKey, ...options });
  const { value, close } = await resource.open({ clock: systemClock, signal: new AbortController().signal, log });
  toClose.push(close);
  return { model: value, log, close };
};

/** A server with one reply for all, and a model on it. */
export const served = async (reply: ServerReply | ((nth: number) => ServerReply), options: Partial<OpenAiCompatibleOptions> = {}) => {
  const server = await startOpenAiServer({ reply: (_, nth) => (typeof reply === 'function' ? reply(nth) : reply) });
  toClose.push(() => server.close());
  return { server, ...(await opened({ ...options, baseUrl: server.url })) };
};

/** The pieces of an answer to one prompt. */
export const chunksOf = (model: Model): Promise<ChatChunk[]> => allOf(model.chat('Say ok'));
