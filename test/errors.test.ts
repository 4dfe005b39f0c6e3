import { describe, expect, it } from 'vitest';
import { messageOf } from '../src/errors.ts';

describe('the message of anything that was thrown', () => {
  it.each([
    { thrown: new Error('no luck'), message: 'no luck' },
    { thrown: new RangeError(''), message: 'RangeError' },
    { thrown: 'no luck', message: 'no luck' },
    { thrown: null, message: 'thrown value null' },
    { thrown: undefined, message: 'thrown value of type undefined' },
    { thrown: { secret: 1 }, message: 'thrown value of type object' },
  ])('$message', ({ thrown, message }) => {
    expect(messageOf(thrown)).toBe(message);
  });
});
