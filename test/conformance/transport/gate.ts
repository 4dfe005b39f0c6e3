/** A promise that a test opens when it is time. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function gate(): Gate {
  const { promise: opened, resolve: open }: PromiseWithResolvers<void> = Promise.withResolvers();
  return { opened, open };
}
