import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientIdOf, instancePattern, type MemberName, memberNameOf } from '../../../src/transport/kafka/member-name.ts';

const hex = fc.stringMatching(/^[0-9a-f]{12}$/);
const names: fc.Arbitrary<MemberName> = fc.oneof(
  fc.record({
    kind: fc.constant('process' as const),
    machine: hex,
    pid: fc.integer({ min: 1, max: 2 ** 31 }),
    begun: fc.constantFrom('', '0', '2313584', '99999999999'),
    serial: fc.integer({ min: 1, max: 999_999 }),
  }),
  fc.record({
    kind: fc.constant('instance' as const),
    instance: fc.stringMatching(instancePattern),
    term: fc.integer({ min: 0, max: 2 ** 45 }),
    nonce: fc.stringMatching(/^[0-9a-z]{4}$/),
  }),
);

describe('a member’s name', () => {
  it('is read from the client id that carries it', () => {
    fc.assert(
      fc.property(names, fc.constantFrom('millrace', 'a.b-c', '', 'pipeline ü'), (name, base) => {
        const id = clientIdOf(base, name);
        expect(memberNameOf(id)).toEqual(name);
        expect(id.startsWith(base)).toBe(true);
      }),
    );
  });

  it.each(['', 'millrace', 'reviews.as-', 'reviews.at-1-2-3-4', 'reviews.at-0123456789ab-7', 'x.as-a b-1-1'])('%j carries none', (id) => {
    expect(memberNameOf(id)).toBeUndefined();
  });
});
