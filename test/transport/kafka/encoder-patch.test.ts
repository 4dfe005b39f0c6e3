import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EncoderInternals, patchEncoder } from '../../../src/transport/kafka/encoder-patch.ts';

type Encoder = EncoderInternals & { writeString(text: string): Encoder; writeArray(all: readonly unknown[], type?: string): Encoder };
type EncoderClass = (new () => Encoder) & { readonly prototype: Encoder };

const load = createRequire(import.meta.url);
/** One of our own, whatever else in this process has patched kafkajs's. */
function encoderClass(): EncoderClass {
  const path = load.resolve('kafkajs/src/protocol/encoder');
  const kept = load.cache[path];
  Reflect.deleteProperty(load.cache, path);
  const made = load(path) as EncoderClass;
  if (kept) load.cache[path] = kept;
  else Reflect.deleteProperty(load.cache, path);
  return made;
}
const plain = encoderClass();
const patched = encoderClass();
patchEncoder(patched.prototype);

/** What is written one after the other: a number, a text, bytes, or what another encoder has. */
type Step = number | string | Buffer | { readonly raw: Buffer } | { readonly inner: readonly Step[]; readonly asked: boolean };

function write(make: EncoderClass, steps: readonly Step[]): Encoder {
  const encoder = new make();
  for (const step of steps)
    if (typeof step === 'number') encoder.writeInt32(step);
    else if (typeof step === 'string') encoder.writeString(step);
    else if (Buffer.isBuffer(step)) encoder.writeBytes(step);
    else if ('raw' in step) encoder.writeArray([{ buf: step.raw, buffer: step.raw }], 'object');
    else {
      const inner = write(make, step.inner);
      if (step.asked) expect(inner.buffer.length).toBe(inner.size()); // as a checksum does, between
      encoder.writeInt32(inner.size());
      encoder.writeEncoder(inner);
    }
  return encoder;
}

const bytes = fc
  .tuple(fc.constantFrom(0, 3, 65_535, 65_536, 100_000), fc.integer({ min: 0, max: 255 }))
  .map(([size, fill]) => Buffer.alloc(size, fill));
const { steps } = fc.letrec<{ step: Step; steps: Step[] }>((tie) => ({
  steps: fc.array(tie('step'), { maxLength: 5 }),
  step: fc.oneof(
    { maxDepth: 3 },
    fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    fc.string({ maxLength: 5 }),
    bytes,
    bytes.map((raw) => ({ raw })),
    fc.record({ inner: tie('steps'), asked: fc.boolean() }),
  ),
}));

describe('an encoder that keeps large pieces', () => {
  it('has the bytes of one that copies them, however they are nested and whenever they are asked for', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const [one, other] = [write(patched, all), write(plain, all)];
        expect(one.size()).toBe(other.size());
        expect(Buffer.compare(one.buffer, other.buffer)).toBe(0);
        one.writeInt32(7);
        other.writeInt32(7);
        expect(Buffer.compare(one.buffer, other.buffer)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('copies nothing large before somebody asks for the bytes', () => {
    const large = Buffer.alloc(1_000_000, 1);
    const inner = write(patched, [1, large]);
    const outer = write(patched, [2]);
    outer.writeEncoder(inner);
    expect(outer.before).toContain(large);
  });
});
