/*
 * The shell becomes the program: same process, the first of a group of its own. What it leaves behind waits at the other end of a pipe
 * that we hold: when we are gone, however that was, the pipe ends, and so does the group. With the group in it the id of that is not
 * given to anybody else, either.
 */
const guard = `{ trap '' TERM INT HUP; read -r _; kill -KILL 0; } <&3 >/dev/null 2>&1 & exec "$@" 3<&-`;

/** Whether processes have groups here. */
export const hasGroups = process.platform !== 'win32';

/** A program and its arguments as a group that ends with this process; started `detached`, with a pipe as descriptor 3. */
export const guardedCommand = (command: string, args: readonly string[]): readonly [file: string, args: readonly string[]] =>
  hasGroups ? ['/bin/sh', ['-c', guard, 'sh', command, ...args]] : [command, args];
