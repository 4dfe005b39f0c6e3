import type { World } from './world.ts';

/** One sentence of the protocol in `src/transport/transport.ts`, and how it is shown. */
export type Rule = {
  readonly rule: number;
  readonly says: string;
} & ({ readonly test: (world: World) => Promise<void> } | { /** Why no test can show it. */ readonly untestable: string });
