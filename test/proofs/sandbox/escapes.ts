/** What a host holds that a program must not get at. */
export interface Canary {
  readonly file: string;
  readonly port: number;
  readonly socket: string;
  readonly pid: number;
}

/** A program that tries to get out: it writes ESCAPED, and how, when it did. */
export interface Escape {
  readonly name: string;
  readonly code: (canary: Canary) => string;
  /** The end that must follow, where one must. */
  readonly ends?: string;
}

const head = `
import ctypes, os, signal, socket, subprocess, sys, time, threading
libc = ctypes.CDLL(None, use_errno=True)
SIGACTION, VMSPLICE = (13, 278) if os.uname().machine == 'x86_64' else (134, 75)
def tries(what, deed):
    try:
        if deed() is not False: print('ESCAPED', what, flush=True)
    except (OSError, ImportError): pass
def call(what, *numbers):
    # any other refusal comes from the kernel itself: the filter let it in
    if libc.syscall(*numbers) >= 0 or ctypes.get_errno() not in (1, 38): print('ESCAPED', what, flush=True)
def opens(*paths):
    for path in paths: tries('read ' + path, lambda: open(path, 'rb').read(1))
`;
const escape = (name: string, code: string | ((canary: Canary) => string), ends?: string): Escape => ({
  name,
  code: (canary) => `${head}\n${typeof code === 'string' ? code : code(canary)}`,
  ...(ends === undefined ? {} : { ends }),
});

/** First those that are stopped at the door, then those that a limit ends. The fork bomb is last: the limit has been tried by then. */
export const escapes: readonly Escape[] = [
  escape('TCP to the host', ({ port }) => `tries('tcp', lambda: socket.create_connection(('127.0.0.1', ${String(port)}), 1))`),
  escape('DNS', `tries('dns', lambda: socket.getaddrinfo('example.com', 80))`),
  escape(
    'UDP and raw sockets',
    `for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW): tries('socket', lambda: socket.socket(socket.AF_INET, kind, 0))\ntries('netlink', lambda: socket.socket(16, socket.SOCK_RAW, 0))`,
  ),
  escape(
    'abstract and named sockets',
    ({ socket }) =>
      `def knock(name):\n    s = socket.socket(socket.AF_UNIX); s.connect(name)\ntries('abstract', lambda: knock('\\0${socket}'))\ntries('docker', lambda: knock('/var/run/docker.sock'))`,
  ),
  escape('the environment', `print('ESCAPED' if any('CANARY' in k or 'CANARY' in v for k, v in os.environ.items()) else 'none')`),
  escape(
    'a file of the host',
    ({ file }) => `opens(${JSON.stringify(file)}, '/etc/passwd', '/etc/shadow', '/etc/hostname', '/proc/1/environ')`,
  ),
  escape(
    'symbolic links',
    ({ file }) =>
      `os.symlink(${JSON.stringify(file)}, 'a'); os.symlink('../../../../../../etc/passwd', 'b'); opens('a', 'b', '/scratch/a', '../../../etc/passwd')`,
  ),
  escape(
    'writing elsewhere',
    `for path in ('/x', '/usr/x', '/bin/x', '/dev/x', '/program/main.py', '/dev/shm/x', os.__file__): tries(path, lambda: open(path, 'a'))`,
  ),
  escape('/proc', `opens('/proc/self/environ', '/proc/1/cmdline', '/proc/version', '/proc/self/maps')`),
  escape('/sys', `opens('/sys/kernel/notes', '/sys/fs/cgroup/cgroup.procs', '/sys/class/net/eth0/address')`),
  escape('/dev', `opens('/dev/mem', '/dev/kmsg', '/dev/sda', '/dev/vda', '/dev/kvm', '/dev/fuse', '/dev/tty')`),
  escape('making devices', `tries('mknod', lambda: os.mknod('disk', 0o60666, os.makedev(254, 0)))`),
  escape('inherited files', `for fd in range(3, 4096):\n    tries('fd %d' % fd, lambda: os.fstat(fd))`),
  escape('standard input', `print('ESCAPED' if sys.stdin.read() != '' else 'empty')`),
  escape('ptrace', `call('traceme', 101, 0, 0, 0, 0); call('attach', 101, 16, 1, 0, 0); call('read memory', 310, 1, 0, 0, 0, 0, 0)`),
  escape(
    'mounting',
    `call('mount', 165, b'proc', b'/scratch', b'proc', 0, 0)\nif libc.mount(b'tmpfs', b'/scratch', b'tmpfs', 0, None) == 0: print('ESCAPED')\ncall('umount', 166, b'/program', 2); call('pivot', 155, b'.', b'.'); call('fsopen', 430, b'proc', 0); call('open_tree', 428, -100, b'/', 1)`,
  ),
  escape(
    'changing the root',
    `os.mkdir('d')\ntries('chroot', lambda: os.chroot('d'))\nfor _ in range(64): os.chdir('..')\nprint('ESCAPED' if 'etc' in os.listdir('.') else 'no')`,
  ),
  escape(
    'namespaces within',
    `for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x10020000): call('unshare', 272, flag)\nfor flag in (0x10000011, 0x20000011, 0x40000011):\n    pid = libc.syscall(56, flag, 0, 0, 0, 0)\n    if pid == 0: os._exit(0)\n    if pid > 0: print('ESCAPED clone')\ncall('clone3', 435, 0, 0); call('setns', 308, 0, 0)`,
  ),
  escape('io_uring', `import struct\ncall('setup', 425, 8, bytes(120)); call('register', 427, 0, 0, 0, 0)`),
  escape(
    'keyrings',
    `call('add', 248, b'user', b'x', b'y', 1, -3); call('request', 249, b'user', b'x', 0, 0); call('keyctl', 250, 0, -3, 0)`,
  ),
  escape(
    'kernel interfaces',
    `call('bpf', 321, 0, bytes(64), 64); call('perf', 298, bytes(128), 0, -1, -1, 0); call('userfaultfd', 323, 0); call('module', 175, b'', 0, b''); call('kexec', 246, 0, 0, 0, 0); call('reboot', 169, 0, 0, 0, 0); call('handle', 304, -100, bytes(16), 0)`,
  ),
  escape(
    'calls that are newer than the filter, and what they tell of mounts',
    `call('statmount', 457, 0, 0, 0, 0); call('listmount', 458, 0, 0, 0, 0); call('open_tree_attr', 467, -100, b'/', 0, 0, 0); call('quotas', 443, 0, 0, 0, 0)\nfor number in range(463, 600): call('a call to come', number, 0, 0, 0, 0)`,
  ),
  escape(
    'files that run as their owner',
    `print('ESCAPED' if any(os.path.isdir(path) and not os.statvfs(path).f_flag & os.ST_NOSUID for path in ('/', '/usr', '/bin', '/lib', '/scratch', '/program')) else 'none')\nprint('ESCAPED' if libc.prctl(39, 0, 0, 0, 0) != 1 else 'no new rights')`,
  ),
  escape(
    'files on their way',
    `a, b = socket.socketpair()\ntries('send', lambda: socket.send_fds(a, [b'x'], [1]))\na.send(b'x'); print('ESCAPED' if b.recv(1) != b'x' else 'bytes alone')`,
  ),
  escape(
    'becoming root',
    `tries('setuid', lambda: os.setuid(0))\ntries('setgid', lambda: os.setgid(0))\ntries('groups', lambda: os.setgroups([0]))\ntries('nice', lambda: os.nice(-5))\ntries('clock', lambda: time.clock_settime(0, 0.0))\ntries('name', lambda: socket.sethostname('x'))\nprint('ESCAPED' if os.getuid() == 0 else 'no')`,
  ),
  escape(
    'raising limits',
    `import resource\nfor what in (resource.RLIMIT_NPROC, resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE):\n    def raises():\n        try: resource.setrlimit(what, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n        except ValueError: return False\n    tries('limit', raises)`,
  ),
  escape(
    'memory that is nobody’s',
    `import mmap\ntries('memfd', lambda: os.memfd_create('x'))\ntries('shared', lambda: mmap.mmap(-1, 4096))\ncall('shm', 29, 0, 1 << 20, 0o1600); call('msg', 68, 0, 0o1600); call('sem', 64, 0, 1, 0o1600)`,
  ),
  escape(
    'another architecture’s calls',
    `import mmap\ntry:\n    text = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)\nexcept OSError: sys.exit()\ntext.write(b'\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3')\nrun = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(text)))\nprint('ESCAPED' if run() > 0 else 'no')`,
  ),
  escape(
    'signals to all',
    `for who in (1, os.getppid(), -1):\n    for sent in (signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP, signal.SIGINT):\n        if who == -1 and sent in (signal.SIGSTOP,): continue\n        try: os.kill(who, sent)\n        except OSError: pass`,
  ),
  escape(
    'killing the parent by number',
    ({ pid }) =>
      `for pid in [${String(pid)}, *range(2, 5000)]:\n    if pid != os.getpid():\n        try: os.kill(pid, 9)\n        except OSError: pass\nprint('alive')`,
    'exit',
  ),
  escape(
    'a daemon',
    `if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        signal.signal(signal.SIGHUP, signal.SIG_IGN)\n        signal.signal(signal.SIGTERM, signal.SIG_IGN)\n        time.sleep(60)\n    os._exit(0)\nos.wait()`,
    'exit',
  ),
  escape('an orphan that holds the output', `if os.fork() == 0: time.sleep(60)\nprint('gone')`, 'exit'),
  escape(
    'the disk',
    `written = 0\ntry:\n    for i in range(64):\n        with open('f%d' % i, 'wb') as file:\n            for _ in range(16):\n                file.write(bytes(1 << 20)); file.flush(); written += 1\nexcept OSError: pass\nprint('ESCAPED' if written > 16 else written)`,
  ),
  escape(
    'inodes',
    `made = 0\ntry:\n    for i in range(100000):\n        os.mkdir('d%d' % i); made += 1\nexcept OSError: pass\nprint('ESCAPED' if made > 1024 else made)`,
  ),
  escape('a core file', `os.abort()`, 'signal'),
  escape('an output flood', `while True: print('x' * 65536)`, 'output'),
  escape('a flood of errors', `while True: sys.stderr.write('x' * 65536)`, 'output'),
  escape('output of both at its end', `os.write(1, b'x' * 50000); os.write(2, b'y' * 50000); os._exit(0)`, 'output'),
  escape('output that is no text', `os.write(1, bytes(range(256)) * 64)`, 'exit'),
  escape(
    'memory',
    `held = []\ntry:\n    while True: held.append(bytearray(1 << 20))\nexcept MemoryError: print('ESCAPED' if len(held) > 512 else 'refused')`,
  ),
  escape(
    'memory of many',
    `for _ in range(20):\n    if os.fork() == 0:\n        held = bytearray(b'x') * (120 << 20)\n        time.sleep(60)\ntime.sleep(60)`,
    'memory wall',
  ),
  escape(
    'processor time',
    `signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass`,
    'cpu wall',
  ),
  escape('processor time of many', `for _ in range(8):\n    if os.fork() == 0: break\nwhile True: pass`, 'cpu wall'),
  escape(
    'processor time of children that nobody waits for',
    `call('ignore the end of children', SIGACTION, 17, (ctypes.c_char * 64)(1), None, 8)\ntries('the same in Python', lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))`,
  ),
  escape(
    'memory in sockets',
    `for _ in range(28):\n    if os.fork() == 0: break\nheld = []\ntry:\n    while True:\n        held += socket.socketpair()\n        for one in held[-2:]:\n            one.setblocking(False)\n            try:\n                while True: one.send(b'x' * 65536)\n            except BlockingIOError: pass\nexcept OSError: pass\ntime.sleep(60)`,
    'memory',
  ),
  escape(
    'pages that a pipe holds',
    `r, w = os.pipe()\nheld = ctypes.create_string_buffer(4096)\nclass Piece(ctypes.Structure): _fields_ = [('at', ctypes.c_void_p), ('length', ctypes.c_size_t)]\ncall('vmsplice', VMSPLICE, w, ctypes.byref(Piece(ctypes.addressof(held), 4096)), 1, 0)`,
  ),
  escape(
    'memory of mappings',
    `import mmap\nlibc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]\nheld = mmap.mmap(-1, 60000 << 12, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\nat = ctypes.addressof(ctypes.c_char.from_buffer(held))\nfor i in range(0, 60000, 2): libc.mprotect(at + (i << 12), 4096, 0)\nfor _ in range(30):\n    if os.fork() == 0: break\ntime.sleep(60)`,
    'memory cpu',
  ),
  escape('stopping itself', `os.kill(os.getpid(), signal.SIGSTOP)`, 'wall'),
  escape('a pipe by name that nobody writes to', `os.mkfifo('a'); open('a').read()`, 'wall'),
  escape('closing all files and going on', `os.closerange(0, 64)\nwhile True: pass`, 'cpu wall'),
  escape('a long command line', `subprocess.run(['/usr/bin/true'] + ['x' * 100000] * 2000)`),
  escape(
    'locks of files',
    `import fcntl, struct\nfor i in range(10 ** 9):\n    if i % 4000 == 0: held = open('f%d' % (i // 4000 % 50), 'wb')\n    fcntl.fcntl(held, fcntl.F_SETLK, struct.pack('hhqqi', fcntl.F_WRLCK, 0, i % 4000 * 2, 1, 0))`,
    'cpu wall',
  ),
  escape('sleeping for ever', `signal.signal(signal.SIGALRM, signal.SIG_IGN)\ntime.sleep(3600)`, 'wall'),
  escape(
    'threads',
    `made = 0\ntry:\n    while made < 64: threading.Thread(target=time.sleep, args=(60,), daemon=True).start(); made += 1\nexcept RuntimeError: pass\nprint('ESCAPED' if made > 32 else made, flush=True)\nos._exit(0)`,
    'exit',
  ),
  escape('a fork bomb', `while True:\n    try: os.fork()\n    except OSError: pass`, 'cpu wall'),
];
