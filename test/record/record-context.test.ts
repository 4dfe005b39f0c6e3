import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Header } from '../../src/record/record.ts';
import {
  changedContext,
  completedBy,
  contextHeaders,
  contextProblem,
  noContext,
  readContext,
  type RecordContext,
  withContextHeaders,
} from '../../src/record/record-context.ts';

const header = (name: string, value: string): Header => [name, new TextEncoder().encode(value)];
const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

const contexts: fc.Arbitrary<RecordContext> = fc.record(
  {
    deadlineMs: fc.integer({ min: 0, max: 8.64e15 }),
    requestId: fc.stringMatching(/^[\x21-\x7e]{1,256}$/),
    identity: fc.string({ minLength: 1, maxLength: 100, unit: 'grapheme' }).filter((text) => text.trim() !== '' && !/\p{Cc}/u.test(text)),
    tenant: fc.constantFrom('t1', 'Zoë & co', '東京'),
    priority: fc.integer({ min: -1_000, max: 1_000 }),
    traceparent: fc.constant(parent),
    tracestate: fc.constant('vendor=1,other=a b'),
  },
  { requiredKeys: ['traceparent'] },
);

describe('the context of a record', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(contexts, (context) => {
        expect(readContext(contextHeaders(context))).toEqual({ context, ignored: 0 });
      }),
    );
  });

  it('is one and the same for records that tell nothing', () => {
    expect(readContext([header('other', 'x')]).context).toBe(noContext);
  });

  it('takes no header for more than it says, whatever its bytes are', () => {
    const names = ['millrace-deadline', 'millrace-request-id', 'millrace-identity', 'millrace-tenant', 'millrace-priority', 'traceparent'];
    const one = fc.tuple(fc.constantFrom(...names), fc.option(fc.uint8Array({ maxLength: 40 }), { nil: null }));
    fc.assert(
      fc.property(fc.array(one, { maxLength: 8 }), (headers) => {
        const { context, ignored } = readContext(headers);
        expect(contextProblem(context)).toBeUndefined();
        expect(Object.keys(context).length + ignored).toBe(new Set(headers.map(([name]) => name)).size);
      }),
    );
  });

  it.each([
    ['millrace-deadline', '1767225600000', { deadlineMs: 1_767_225_600_000 }],
    ['millrace-deadline', '2026-01-01T00:00:00Z', { deadlineMs: 1_767_225_600_000 }],
    ['millrace-deadline', '2026-01-01T02:00:00.5+02:00', { deadlineMs: 1_767_225_600_500 }],
    ['millrace-priority', '-3', { priority: -3 }],
    ['millrace-identity', 'Zoë', { identity: 'Zoë' }],
    ['traceparent', parent, { traceparent: parent }],
    ['traceparent', `cc${parent.slice(2)}-more`, { traceparent: `cc${parent.slice(2)}-more` }],
  ])('reads %s: %s', (name, value, context) => {
    expect(readContext([header(name, value)])).toEqual({ context, ignored: 0 });
  });

  it.each([
    ['millrace-deadline', '2026-01-01T00:00:00'],
    ['millrace-deadline', '2026-13-01T00:00:00Z'],
    ['millrace-deadline', 'soon'],
    ['millrace-deadline', '-1'],
    ['millrace-deadline', '9999999999999999'],
    ['millrace-priority', '1.5'],
    ['millrace-priority', '1001'],
    ['millrace-priority', ''],
    ['millrace-request-id', 'a b'],
    ['millrace-request-id', 'x'.repeat(257)],
    ['millrace-request-id', 'a\r\nauthorization: x'],
    ['millrace-identity', '   '],
    ['millrace-identity', 'Bearer sk-secret'],
    ['millrace-identity', 'sk-proj-abcdefgh12345678'],
    ['millrace-tenant', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc'],
    ['millrace-identity', 'a\u0000b'],
    ['millrace-tenant', 'x'.repeat(2_000)],
    ['traceparent', parent.toUpperCase()],
    ['traceparent', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    ['traceparent', `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`],
    ['traceparent', `ff${parent.slice(2)}`],
    ['traceparent', `${parent}-more`],
    ['tracestate', 'a=1'],
  ])('leaves %s: %j out, and counts it', (name, value) => {
    expect(readContext([header(name, value)])).toEqual({ context: {}, ignored: 1 });
  });

  it('is not read from null, or from bytes that are no UTF-8', () => {
    expect(readContext([['millrace-tenant', null]]).ignored).toBe(1);
    expect(readContext([['millrace-tenant', new Uint8Array([0xff, 0xfe])]]).ignored).toBe(1);
  });

  it('takes the last of several headers, also when that is malformed', () => {
    expect(readContext([header('millrace-tenant', 'a'), header('millrace-tenant', 'b')]).context).toEqual({ tenant: 'b' });
    expect(readContext([header('millrace-priority', '1'), header('millrace-priority', 'x')])).toEqual({ context: {}, ignored: 1 });
  });

  it('is changed by fields, and loses those that are undefined', () => {
    expect(changedContext({ tenant: 'a', priority: 1 }, { tenant: undefined, requestId: 'r' })).toEqual({ priority: 1, requestId: 'r' });
  });

  it('stands in headers once, with what is there beside it', () => {
    const there = [header('a', '1'), header('millrace-tenant', 'old'), header('millrace-tenant', 'older')];
    expect(withContextHeaders(there, { tenant: 'new' })).toEqual([header('a', '1'), header('millrace-tenant', 'new')]);
    expect(completedBy(there, { tenant: 'new', priority: 2 })).toEqual([...there, header('millrace-priority', '2')]);
  });

  it('is refused when a producer sets what does not fit', () => {
    expect(() => contextHeaders({ requestId: 'a b' })).toThrow('context.requestId must be 1 to 256 visible ASCII characters');
    expect(() => contextHeaders({ identity: '\ud800' })).toThrow('context.identity must be');
    expect(() => contextHeaders({ tenant: 'Bearer hunter2hunter2' })).toThrow(/context\.tenant must be (?!.*hunter2).*no credential/);
  });
});
