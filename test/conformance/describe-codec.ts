import { beforeAll, describe, it } from 'vitest';
import { type CodecCase, type CodecSubject, subjectOf } from './codec-case.ts';
import { codecRules } from './codec-rules.ts';

/** The conformance suite of the codec port: every rule, each with its number. A codec that opens is opened for both ways first. */
export function describeCodec<T>(name: string, given: CodecCase<T>): void {
  describe(`codec ${name}`, () => {
    let subject: CodecSubject<unknown>;
    beforeAll(async () => {
      subject = await subjectOf(given);
    });
    it.each(codecRules.map((one) => [one.rule, one.says, one.check] as const))('%i: %s', async (_, __, check) => {
      await check(subject);
    });
  });
}
