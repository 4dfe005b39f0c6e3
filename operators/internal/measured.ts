/** What a function of the user's says of a value. @throws TypeError for what is no size. */
export function measured<T>(name: string, measure: ((value: T) => number) | undefined, value: T): number {
  if (!measure) return 0;
  const result: unknown = measure(value); // from plain JavaScript it may be a string, which adds up as one
  if (typeof result !== 'number' || !(result >= 0))
    throw new TypeError(`${name} must return a number >= 0, got ${typeof result === 'number' ? '' : `${typeof result} `}${String(result)}`);
  return result;
}
