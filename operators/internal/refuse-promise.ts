/** Throws for a promise where a value is due, and sees to it that its rejection is not an unhandled one. */
export function refusePromise(operator: string, promise: Promise<unknown>): never {
  promise.catch(() => undefined);
  throw new TypeError(`it returned a promise, which ${operator} does not wait for: use mapConcurrent(() => call(async (ctx) => …))`);
}
