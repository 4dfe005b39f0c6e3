// What tests of pipelines and operators need: 'millrace/testing'. It needs no test runner, and loads no vendor.
export { type TestRecord, type TestRecordLog, type TestRun, testRun } from './test-run.ts';
export { type VirtualClock, virtualClock } from './virtual-clock.ts';
export { cassette, type CassetteMode, type CassetteOptions } from './inference/cassette/cassette.ts';
export { simulate, type SimulateOptions } from './simulation/simulate.ts';
export { SimulationError, type SimulationReport } from './simulation/report.ts';
export type { SimulatedFault } from './simulation/fault-mix.ts';
export type { SimulatedOutput, SimulatedRecord } from './simulation/simulated-record.ts';
export type { Weather } from './simulation/weather.ts';
export type { Random } from './simulation/random.ts';
export { checkHistory } from './simulation/check-history.ts';
export type { Event, Expected } from './simulation/history.ts';
export type { Problem, ProblemKind } from './simulation/problem.ts';
