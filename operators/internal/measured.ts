/** What a function of the user's says of a value. @throws TypeError for what is no size. */
export function measured<T>(name: string, measure: ((value: T) => number) | undefined, value: T): number {
  const result = measure?.(value) ?? 0;
  if (!(result >= 0)) throw new TypeError(`${name} must return a number >= 0, got ${String(result)}`);
  return result;
}
