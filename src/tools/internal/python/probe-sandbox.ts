import { messageOf, PipelineError } from '../../../errors.ts';
import { runSandbox, type SandboxContext, type SandboxLimits } from './run-sandbox.ts';

/** Says `held` when each thing that keeps a program in has been tried and did. */
const program = (processes: number): string => `
import ctypes, os, socket
loose = []
def must_fail(what, deed):
    try:
        deed()
        loose.append(what)
    except OSError:
        pass
if os.getuid() == 0: loose.append('the user is root')
if set(os.listdir('/')) & {'proc', 'sys', 'etc', 'home', 'var', 'boot', 'mnt', 'srv'}: loose.append('files of the host are seen')
must_fail('a socket was opened', lambda: socket.socket())
must_fail('the root could be written', lambda: open('/x', 'w'))
must_fail('the system could be written', lambda: open('/usr/x', 'w'))
must_fail('a file of 1 GiB was made', lambda: os.posix_fallocate(os.open('/scratch/x', os.O_CREAT | os.O_RDWR), 0, 1 << 30))
libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(0x10000000) == 0: loose.append('a namespace could be made')
if libc.ptrace(0, 0, 0, 0) == 0: loose.append('ptrace is allowed')
wait, hold = os.pipe()
made = 1
try:
    while made <= ${String(processes)}:
        if os.fork() == 0:
            os.close(hold)
            os.read(wait, 1)
            os._exit(0)
        made += 1
    loose.append('more than ${String(processes)} processes could be made')
except OSError:
    pass
print('; '.join(loose) or 'held')
`;

/** A machine that starts, or is busy, is no reason to be without the tool. */
const patienceSeconds = 60;

/**
 * Tries out, on this machine, that programs are kept in.
 * @throws PipelineError `missing_dependency` where they are not, with what is missing.
 */
export async function probeSandbox(limits: SandboxLimits, context: SandboxContext): Promise<void> {
  const patient = { ...limits, wallSeconds: patienceSeconds, cpuSeconds: patienceSeconds };
  const {
    end,
    why,
    stdout = '',
    stderr = '',
  } = await runSandbox(program(limits.processes), patient, context).catch((cause: unknown) => {
    throw off(messageOf(cause), cause);
  });
  if (end !== 'exit' || stdout.trim() !== 'held') throw off(why ?? [end, stdout.trim(), stderr.trim().slice(-300)].join(': '));
}

const off = (why: string, cause?: unknown): PipelineError =>
  new PipelineError(
    'missing_dependency',
    `python_interpreter is off: programs can not be kept in here (${why}). It takes Linux 5.14 or later on x86-64 or ARM64, Python 3.8 or later, and user namespaces (sysctl user.max_user_namespaces above 0; in a container, a seccomp profile that allows unshare and mount)`,
    { cause },
  );
