// What tests of pipelines and operators need: 'millrace/testing'.
export { type TestRecord, type TestRecordLog, type TestRun, testRun } from './test-run.ts';
export { type VirtualClock, virtualClock } from './virtual-clock.ts';
