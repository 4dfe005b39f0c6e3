import type { ServiceCore } from './service-core.ts';
import type { StreamLimits } from './stream-answer.ts';

const heartbeatMs = 15_000; // many proxies close what is silent for 30 s or 60 s
const headWithinMs = 5_000; // an error that comes sooner has its status

export const streamLimits = ({ options: { clock, slowReaderMs } }: ServiceCore): StreamLimits => ({
  ...{ clock, slowReaderMs, heartbeatMs, headWithinMs },
});
