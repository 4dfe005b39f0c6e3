import fc from 'fast-check';
import { expect, it } from 'vitest';
import { frameBytes, framedId, framedIdOf, writeFrame } from '../../../src/codec/internal/framing.ts';
import { CodecError } from '../../../src/errors.ts';

const ids = fc.integer({ min: 0, max: 2 ** 31 - 1 });

it('reads the id that was written, as a big-endian number behind a zero', () => {
  fc.assert(
    fc.property(ids, fc.uint8Array(), (id, rest) => {
      const bytes = new Uint8Array(frameBytes + rest.length);
      bytes.set(rest, frameBytes);
      writeFrame(bytes, id);
      expect(framedId(bytes)).toBe(id);
      expect([bytes[0], new DataView(bytes.buffer).getInt32(1)]).toEqual([0, id]);
      expect(bytes.subarray(frameBytes)).toEqual(rest);
    }),
  );
});

it('has an id for any bytes, or says that they have no frame', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 8 }), (bytes) => {
      const id = framedIdOf(bytes);
      if (id === undefined) expect(() => framedId(bytes)).toThrow(CodecError);
      else expect(framedId(bytes)).toBe(id);
      expect(id === undefined).toBe(bytes.length < 5 || bytes[0] !== 0 || (bytes[1] ?? 0) > 127);
    }),
  );
});
