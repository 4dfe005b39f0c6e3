import type OpenAI from 'openai';
import { boundedFetch } from '../internal/bounded-fetch.ts';
import { checkedStreams } from './checked-streams.ts';
import { meteredFetch } from '../internal/metered-fetch.ts';
import type { OpenAiCompatibleOptions } from './openai-compatible-options.ts';
import { plainErrors } from './plain-errors.ts';

/** 60,000 tokens with their wrapping: more than any record should get, and what a server gone wild may cost in memory. */
export const defaultMaxAnswerBytes = 16 * 1024 * 1024;

/** The client's own time limit, off as far as it can be: `callTimeout` and the record's deadline decide. */
const noTimeoutMs = 2 ** 31 - 1;

/**
 * The official client with its retries, time limit and log off, and nothing read from the environment. Answers are bounded, but for files, which are read
 * line by line. Redirects are not followed: a prompt is for the server that was named, and so is the key.
 */
export async function openClient({
  baseUrl,
  apiKey,
  maxAnswerBytes = defaultMaxAnswerBytes,
  fetch: given = (input, init) => fetch(input, init),
}: Pick<OpenAiCompatibleOptions, 'baseUrl' | 'apiKey' | 'maxAnswerBytes' | 'fetch'>): Promise<OpenAI> {
  const { default: Client } = await import('openai');
  const here: typeof fetch = (input, init) => given(input, { ...init, redirect: 'manual' });
  const bounded = boundedFetch(maxAnswerBytes, here);
  return new Client({
    baseURL: baseUrl,
    apiKey: apiKey ?? 'none',
    adminAPIKey: null,
    organization: null,
    project: null,
    maxRetries: 0,
    timeout: noTimeoutMs,
    logLevel: 'off', // at its debug level it prints prompts
    fetch: meteredFetch(checkedStreams(plainErrors((input, init) => (isFile(input) ? here : bounded)(input, init)))),
    ...(apiKey === undefined ? { defaultHeaders: { Authorization: null } } : {}),
  });
}

const isFile = (input: Parameters<typeof fetch>[0]): boolean => typeof input === 'string' && /\/files\/[^/]+\/content$/.test(input);
