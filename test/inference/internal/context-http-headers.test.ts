import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { contextHttpHeaders } from '../../../src/inference/internal/context-http-headers.ts';
import { inScope } from '../../../src/call.ts';
import { systemClock } from '../../../src/clock.ts';
import { resultOf } from '../../helpers/result-of.ts';
import { testScope, within } from '../../helpers/scope.ts';
import { served } from '../openai/served.ts';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const context = { deadlineMs: 5_000.5, requestId: 'r-1', identity: 'Zoë 100%', tenant: 't1', priority: -2, traceparent, tracestate: 'a=1' };

describe('the context of a call, as HTTP headers', () => {
  it('has the names of records, and x-request-id', () => {
    expect(contextHttpHeaders(context)).toEqual({
      ...{ 'millrace-deadline': '5000', 'x-request-id': 'r-1', 'millrace-identity': 'Zo%C3%AB%20100%25', 'millrace-tenant': 't1' },
      ...{ 'millrace-priority': '-2', traceparent, tracestate: 'a=1' },
    });
  });

  it('is nothing for calls that know nothing', () => {
    expect(contextHttpHeaders({})).toEqual({});
  });

  it('goes with chats, embeddings and labels, from the record that the call is made for', async () => {
    const reply = (nth: number) => ({ tokens: [String(nth)] });
    const { model, server } = await served(reply);
    const scope = testScope(systemClock, { context });
    await resultOf(within(scope, model.answer('x', { schema: anything })));
    await inScope(scope, () => resultOf(model.embed(['x']))).catch(() => undefined);
    for (const { headers } of server.requests)
      expect(headers).toMatchObject({ 'x-request-id': 'r-1', traceparent, 'millrace-tenant': 't1' });
    expect(server.requests.map(({ path }) => path)).toEqual(['/v1/chat/completions', '/v1/embeddings']);
  });

  it('is only what the server is to know', async () => {
    const { model, server } = await served({ tokens: ['1'] }, { contextFields: ['requestId'] });
    await resultOf(within(testScope(systemClock, { context }), model.answer('x', { schema: anything })));
    expect(server.requests[0]?.headers).toMatchObject({ 'x-request-id': 'r-1' });
    expect(server.requests[0]?.headers).not.toHaveProperty('millrace-identity');
    expect(server.requests[0]?.headers).not.toHaveProperty('traceparent');
    await expect(served({ tokens: [] }, { contextFields: ['tennant' as 'tenant'] })).rejects.toThrow(
      'contextFields must be one of deadlineMs',
    );
  });
});

const anything = z.unknown();
