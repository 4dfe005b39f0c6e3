/** What was seen of a running pipeline over some seconds; rates are of that time, the rest are means of the looks at it. */
export interface Situation {
  readonly seconds: number;
  /** Records settled, each second. */
  readonly settledPerSecond: number;
  readonly lag: number;
  /** Records in flight by where they stand. */
  readonly waiting: number;
  readonly working: number;
  readonly handed: number;
  readonly aheadBytes: number;
  readonly outgoingBytes: number;
  /** Of the time in which the process ran, how much the event loop had work: 0 to 1. */
  readonly loopBusy: number;
  /** Processors' worth of CPU time. */
  readonly cpus: number;
  /** Of the time, how much went into collections: 0 to 1. */
  readonly gcShare: number;
  /** 1 unless memory is short. */
  readonly intake: number;
  /** Reasons why nothing was taken, and the share of the looks at which they stood. */
  readonly paused: Readonly<Record<string, number>>;
  /** Calls that wait for a policy, by its reason. */
  readonly policyWaits: Readonly<Record<string, number>>;
  /** Partitions whose next record waits for its codec, by their topic. */
  readonly unreadable: Readonly<Record<string, number>>;
  readonly troubles: number;
  readonly state: string;
}

export type Bottleneck = 'source' | 'queue' | 'codec' | 'model' | 'sink' | 'cpu' | 'memory' | 'gc' | 'none';

export interface Diagnosis {
  readonly bottleneck: Bottleneck;
  /** What was seen that says so. */
  readonly evidence: readonly string[];
  /** What to change. */
  readonly advice: string;
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
const count = (n: number): string => (n < 10 ? n.toFixed(1) : n.toFixed(0));

const thresholds = {
  gcShare: 0.2, // a fifth of all time, in which nothing else runs
  loopBusy: 0.85, // beyond it, waits for the loop grow faster than its work
  handedShare: 0.5, // most of what is in flight only waits for the broker
} as const;

/** The narrowest place, the ones that hide others first: short memory and a busy process slow down whatever comes behind them. */
export function diagnose(seen: Situation): Diagnosis {
  const inFlight = seen.waiting + seen.working + seen.handed;
  const rate = `${count(seen.settledPerSecond)} records/s settled, ${count(inFlight)} in flight, lag ${count(seen.lag)}`;
  const found = [memory, gc, cpu, sink, queue, model, codec, source].map((look) => look(seen, inFlight)).find((one) => one !== undefined);
  if (found) return { ...found, evidence: [...found.evidence, rate] };
  return { bottleneck: 'none', evidence: [rate], advice: 'nothing holds it up: it keeps pace with what comes' };
}

/** Of a process that takes connections and does not answer: its event loop has no turn for anybody else. */
export const unanswered = (seconds: number): Diagnosis => ({
  bottleneck: 'cpu',
  evidence: [`it took the connection and did not answer for ${String(seconds)} s: its event loop does not come to it`],
  advice:
    'a function of the pipeline computes for long, or for one record after the other without a break: move it to a worker thread, or let the loop go on between records; node --cpu-prof names it',
});

type Look = (seen: Situation, inFlight: number) => Diagnosis | undefined;

const memory: Look = ({ intake }) =>
  intake >= 1
    ? undefined
    : {
        bottleneck: 'memory',
        evidence: [
          intake === 0 ? 'a hard limit on memory was passed: nothing is taken' : `memory is short: ${percent(intake)} of the caps is used`,
        ],
        advice:
          'lower maxBytesInFlight, maxRecordsInFlight or concurrency; give the process more memory (--max-old-space-size for the heap); look for a leak with --heap-snapshot',
      };

const gc: Look = ({ gcShare }) =>
  gcShare < thresholds.gcShare
    ? undefined
    : {
        bottleneck: 'gc',
        evidence: [`${percent(gcShare)} of the time went into garbage collections`],
        advice:
          'hold less at once (maxBytesInFlight, batch sizes), keep less per record, and give V8 room: --max-old-space-size, --max-semi-space-size; --heap-snapshot shows what lives',
      };

const cpu: Look = ({ loopBusy, cpus }) =>
  loopBusy < thresholds.loopBusy
    ? undefined
    : {
        bottleneck: 'cpu',
        evidence: [`the event loop had work for ${percent(loopBusy)} of the time (${cpus.toFixed(2)} processors)`],
        advice:
          'run more processes of this pipeline (partitions are shared among them), or move the heavy function to a worker thread; node --cpu-prof names it',
      };

const sink: Look = ({ handed, outgoingBytes, paused }, inFlight) => {
  const held = paused['bytes for the broker'] ?? 0;
  if (held < 0.5 && (handed < 1 || handed < inFlight * thresholds.handedShare)) return undefined;
  return {
    bottleneck: 'sink',
    evidence: [
      `${count(handed)} of ${count(inFlight)} records in flight are written and wait for the broker (${count(outgoingBytes)} bytes)`,
      ...(held > 0 ? [`intake stood still for it ${percent(held)} of the time`] : []),
    ],
    advice:
      'look at the brokers of the output topics (acknowledgements, replication, disks) and the way to them; more output partitions write side by side',
  };
};

/** Reasons of the window itself: what fills it is looked for elsewhere. */
const ofTheWindow: ReadonlySet<string> = new Set([
  'records in flight',
  'bytes in flight',
  'bytes for the broker',
  'stopped',
  'memory is short',
  'memory is used up',
]);

const queue: Look = ({ paused, policyWaits, waiting, working }) => {
  const policies = Object.entries(policyWaits).filter(([, calls]) => calls >= 1);
  const holds = Object.entries(paused).filter(([reason, share]) => share >= 0.5 && !ofTheWindow.has(reason));
  const [why] = [...holds.map(([reason]) => reason), ...policies.sort(([, a], [, b]) => b - a).map(([reason]) => reason)];
  if (why !== undefined) {
    return {
      bottleneck: 'queue',
      evidence: [
        ...policies.map(([reason, calls]) => `${count(calls)} calls wait: ${reason}`),
        ...holds.map(([reason, share]) => `intake stood still ${percent(share)} of the time: ${reason}`),
      ],
      advice: `a policy bounds the calls (${why}): raise its limit if what stands behind it can take more, or leave it, and this is the rate that it allows`,
    };
  }
  if (waiting < 1 || working >= 1) return undefined;
  return {
    bottleneck: 'queue',
    evidence: [`${count(waiting)} records wait, and no call runs for any`],
    advice: 'look at /healthz; a lane whose first record does not end, or a batch that waits for company (maxWaitMs), holds the others',
  };
};

const model: Look = ({ waiting, working }) =>
  working < 1 || waiting < working * 0.5
    ? undefined
    : {
        bottleneck: 'model',
        evidence: [
          `${count(working)} records are in a call all the time, and ${count(waiting)} wait for theirs; the process itself is idle enough`,
        ],
        advice:
          'raise concurrency (or permits) as far as the model gets faster by it, batch, shorten prompts and answers, or give it more replicas; with ordering by key, one hot key runs one call at a time',
      };

const codec: Look = ({ unreadable }) => {
  const topics = Object.entries(unreadable).filter(([, partitions]) => partitions >= 0.5);
  if (topics.length === 0) return undefined;
  return {
    bottleneck: 'codec',
    evidence: topics.map(
      ([topic, partitions]) => `${count(partitions)} partitions of ${topic} wait for what their codec needs to read the next record`,
    ),
    advice:
      'look at /healthz, which says what it is; a schema registry that is away, or does not know a schema that producers write with, holds the partitions until it answers',
  };
};

const source: Look = ({ lag, waiting, working, handed, aheadBytes, paused, settledPerSecond }, inFlight) => {
  if (lag >= 1 && lag > inFlight * 1.5 && Object.keys(paused).length === 0 && aheadBytes < 1) {
    return {
      bottleneck: 'source',
      evidence: [`${count(lag)} records wait on the broker, and nothing of them is here`],
      advice: 'look at the brokers of the input topics and the way to them: fetches bring less than the pipeline could take',
    };
  }
  if (settledPerSecond > 0 || waiting + working + handed >= 1) return undefined;
  return {
    bottleneck: 'source',
    evidence: ['nothing comes: no record is in flight, and none waits on the broker'],
    advice:
      'the pipeline is idle: it has done all there is. If there should be more, look at its producers, its input topics and its group',
  };
};
