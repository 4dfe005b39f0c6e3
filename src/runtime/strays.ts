import { currentScope } from '../call.ts';

let users = 0;

/**
 * What a call throws where nobody awaits it (a promise that was forgotten, a timer, an event) would end the process, and again at
 * every restart, since its record comes back. While a pipeline runs it fails that record instead. Whatever was thrown outside of
 * calls ends the process as it would without this, unless somebody else listens. Node 24 and later know where it came from; before
 * that nothing is caught. The result takes the handlers away.
 */
export function catchStrays(): () => void {
  users += 1;
  if (users === 1) process.on('uncaughtException', onException).on('unhandledRejection', onRejection);
  let held = true;
  return () => {
    if (!held) return;
    held = false;
    users -= 1;
    if (users === 0) letGo();
  };
}

function letGo(): void {
  process.off('uncaughtException', onException).off('unhandledRejection', onRejection);
}

function onException(error: unknown): void {
  const { stray } = currentScope();
  if (stray) stray(error);
  else if (process.listenerCount('uncaughtException') === 1) asIfNobodyListened(error);
}

function onRejection(reason: unknown): void {
  const { stray } = currentScope();
  if (stray) stray(reason);
  else if (process.listenerCount('unhandledRejection') === 1) asIfNobodyListened(reason);
}

/** Node prints it, where it came from, and ends the process with 1. */
function asIfNobodyListened(error: unknown): void {
  process.nextTick(() => {
    letGo(); // not before: what calls throw meanwhile is still theirs, and must not be what the process is seen to end of
    throw error;
  });
}
