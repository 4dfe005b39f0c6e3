import { expect, it } from 'vitest';
import { ViaSilence } from '../../../src/service/via/via-silence.state.ts';

it('gives up who was not heard for so many signs, and nobody else', () => {
  const silence = new ViaSilence(3);
  silence.watch('a');
  silence.watch('b');
  silence.watch('c');
  silence.forget('c');
  expect(silence.tick()).toEqual([]);
  silence.heard('a');
  silence.watch('a'); // watched twice is not heard
  expect(silence.tick()).toEqual([]);
  expect(silence.tick()).toEqual(['b']);
  silence.watch('b'); // nor is one that is gone
  expect(silence.tick()).toEqual(['a', 'b']);
});
