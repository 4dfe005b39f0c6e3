"""Runs a Python program among namespaces of its own: python3 -I -S sandbox.py LIMITS, with the program on standard input.

Three processes. The watcher (this one) stays outside, collects output, and ends everything when a limit is passed. It forks the first
process of a new pid namespace, which builds a root of its own, gives up every right and forks the program. When the first process ends,
the kernel kills all others in its namespace, whatever they did to be forgotten; and it ends when the watcher does.

Answers one JSON object: {"end": "exit" | "signal" | "cpu" | "memory" | "wall" | "output" | "setup", "code", "stdout", "stderr", ...}.
Everything that cannot be set up is an end of kind "setup": the program is not run.
"""
import ctypes, json, os, resource, select, signal, struct, sys, time

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
NEW = {'user': 0x10000000, 'mount': 0x20000, 'pid': 0x20000000, 'net': 0x40000000, 'ipc': 0x8000000, 'uts': 0x4000000, 'cgroup': 0x2000000}
MS_BIND, MS_REC, MS_PRIVATE, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_RDONLY, MS_REMOUNT = 0x1000, 0x4000, 0x40000, 2, 4, 8, 1, 0x20
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 4, 22, 24, 38, 47
MOUNT_SETATTR = 442
INNER, OUTER = 1000, 65432  # root's own processes are not counted by the kernel: another number has to run the program

# what a program for computing never needs, and what kernels have been broken through: (x86_64, aarch64)
DENIED = {
    'ptrace': (101, 117), 'process_vm_readv': (310, 270), 'process_vm_writev': (311, 271), 'kcmp': (312, 272), 'pidfd_getfd': (438, 438),
    'mount': (165, 40), 'umount2': (166, 39), 'pivot_root': (155, 41), 'chroot': (161, 51), 'open_tree': (428, 428),
    'move_mount': (429, 429), 'fsopen': (430, 430), 'fsconfig': (431, 431), 'fsmount': (432, 432), 'fspick': (433, 433),
    'mount_setattr': (442, 442), 'unshare': (272, 97), 'setns': (308, 268), 'keyctl': (250, 219), 'add_key': (248, 217),
    'request_key': (249, 218), 'bpf': (321, 280), 'perf_event_open': (298, 241), 'userfaultfd': (323, 282), 'io_uring_setup': (425, 425),
    'io_uring_enter': (426, 426), 'io_uring_register': (427, 427), 'name_to_handle_at': (303, 264), 'open_by_handle_at': (304, 265),
    'init_module': (175, 105), 'finit_module': (313, 273), 'delete_module': (176, 106), 'kexec_load': (246, 104),
    'kexec_file_load': (320, 294), 'reboot': (169, 142), 'swapon': (167, 224), 'swapoff': (168, 225), 'acct': (163, 89),
    'quotactl': (179, 60), 'syslog': (103, 116), 'personality': (135, 92), 'settimeofday': (164, 170), 'clock_settime': (227, 112),
    'adjtimex': (159, 171), 'clock_adjtime': (305, 266), 'sethostname': (170, 161), 'setdomainname': (171, 162), 'vhangup': (153, 58),
    'migrate_pages': (256, 238), 'move_pages': (279, 239), 'mbind': (237, 235), 'set_mempolicy': (238, 237), 'fanotify_init': (300, 262),
    # no network, and no memory that the limits do not count
    'socket': (41, 198), 'memfd_create': (319, 279), 'memfd_secret': (447, 447), 'shmget': (29, 194), 'shmat': (30, 196),
    'semget': (64, 190), 'msgget': (68, 186), 'mq_open': (240, 180), 'setsockopt': (54, 208),
    # pages that a pipe or a queue holds are nobody's: one byte of a huge page held 2 MiB
    'vmsplice': (278, 75), 'splice': (275, 76), 'tee': (276, 77), 'io_setup': (206, 0), 'io_submit': (209, 2),
    'sendmsg': (46, 211), 'sendmmsg': (307, 269),  # files on their way from process to process are in none
    'modify_ldt': (154, None), 'statmount': (457, 457), 'listmount': (458, 458), 'quotactl_fd': (443, 443),
}
KNOWN_CALLS = 462  # of Linux 6.10; what came later nobody has looked at, and programs do without it
MACHINES = {'x86_64': (0, 0xC000003E, 56), 'aarch64': (1, 0xC00000B7, 220)}
CLONE3 = 435
MMAP = (9, 222)  # shared and anonymous: memory that counts as nobody's
SIGACTION = (13, 134)  # of SIGCHLD: the processor time of children that are not waited for counts as nobody's
OPEN_FILES, FREE_FILES, FILE_BYTES = 64, 8, 256 << 10  # what is sent to a socket or a pipe lies in the kernel; beyond some, each file counts as full
MAPS_READ, MAPS_BYTES = 1 << 18, 16 << 20  # a list of 3,000 mappings is no program's; each takes 250 bytes of the kernel, and 65,530 are allowed


def ask(what, result):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, '%s: %s' % (what, os.strerror(code)))
    return result


def prctl(what, value):
    ask('prctl %d' % what, libc.prctl(what, *map(ctypes.c_ulong, (value, 0, 0, 0))))


def mount(source, target, kind, flags, data=''):
    ask('mount ' + target, libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()))


def lock_down(path):
    """Read only, without devices and set-user-id, with all mounts below it."""
    attributes = struct.pack('QQQQ', 1 | 2 | 4, 0, 0, 0)
    ask('mount_setattr ' + path, libc.syscall(MOUNT_SETATTR, -100, path.encode(), 0x8000, attributes, len(attributes)))


def write(path, text):
    with open(path, 'w') as file:
        file.write(text)


def build_root(limits, program):
    mount('none', '/', '', MS_REC | MS_PRIVATE)
    root = '/tmp'  # hidden by this mount in this namespace alone; nothing is made on the host
    # what the host's /tmp holds of Python itself must be reached from under the mount
    prefix = os.open(sys.base_prefix, os.O_PATH)
    mount('tmpfs', root, 'tmpfs', MS_NOSUID | MS_NODEV, 'size=2m,nr_inodes=512,mode=755')
    for name in ('usr', 'bin', 'sbin', 'lib', 'lib32', 'lib64'):
        source, target = '/' + name, root + '/' + name
        if os.path.islink(source):
            os.symlink(os.readlink(source), target)
        elif os.path.isdir(source):
            bind(source, target)
    if not (sys.base_prefix + '/').startswith('/usr/'):
        bind('/proc/self/fd/%d' % prefix, root + sys.base_prefix)
    os.mkdir(root + '/dev')
    for name in ('null', 'random', 'urandom'):  # not zero: mapped by several it is memory that nothing counts
        os.close(os.open(root + '/dev/' + name, os.O_CREAT))
        mount('/dev/' + name, root + '/dev/' + name, '', MS_BIND)
    for name in ('scratch', 'program'):
        os.mkdir(root + '/' + name)
    os.symlink('scratch', root + '/tmp')
    with open(root + '/program/main.py', 'wb') as file:
        file.write(program)
    size = 'size=%d,nr_inodes=1024,mode=700,uid=%d,gid=%d' % (limits['scratchBytes'], INNER, INNER)
    mount('tmpfs', root + '/scratch', 'tmpfs', MS_NOSUID | MS_NODEV, size)
    os.chdir(root)
    ask('pivot_root', libc.syscall({'x86_64': 155, 'aarch64': 41}[os.uname().machine], b'.', b'.'))
    ask('umount', libc.umount2(b'.', 2))
    os.chdir('/scratch')
    mount('none', '/', '', MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)


def bind(source, target):
    os.makedirs(target)
    mount(source, target, '', MS_BIND | MS_REC)
    lock_down(target)


def give_up_rights():
    prctl(PR_CAP_AMBIENT, 4)
    for capability in range(38):
        prctl(PR_CAPBSET_DROP, capability)
    if os.getuid() != INNER:
        os.setgroups([])
        os.setresgid(INNER, INNER, INNER)
        os.setresuid(INNER, INNER, INNER)
    ask('capset', libc.capset(struct.pack('II', 0x20080522, 0), bytes(24)))
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    prctl(PR_SET_DUMPABLE, 0)


def filter_calls():
    """A seccomp filter: other architectures' calls end the process, what is denied fails with EPERM."""
    column, architecture, clone = MACHINES[os.uname().machine]
    load, equal, above, both, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    eperm, enosys, kill, allow = 0x50000 | 1, 0x50000 | 38, 0x80000000, 0x7FFF0000
    code = [(load, 0, 0, 4), (equal, 1, 0, architecture), (answer, 0, 0, kill), (load, 0, 0, 0),
            (above, 0, 1, 0x40000000), (answer, 0, 0, kill)]
    for number in (numbers[column] for numbers in DENIED.values()):
        code += [] if number is None else [(equal, 0, 1, number), (answer, 0, 0, eperm)]
    code += [(above, 0, 1, KNOWN_CALLS + 1), (answer, 0, 0, enosys)]
    code += [(equal, 0, 1, CLONE3), (answer, 0, 0, enosys)]  # its flags lie in memory, where no filter looks: libc then uses clone
    code += [(equal, 0, 4, MMAP[column]), (load, 0, 0, 40), (0x54, 0, 0, 0x21), (equal, 0, 1, 0x21), (answer, 0, 0, eperm), (load, 0, 0, 0)]
    code += [(equal, 0, 8, SIGACTION[column]), (load, 0, 0, 16), (equal, 0, 5, int(signal.SIGCHLD)), (load, 0, 0, 24), (equal, 0, 2, 0),
             (load, 0, 0, 28), (equal, 1, 0, 0), (answer, 0, 0, eperm), (load, 0, 0, 0)]  # asking what is set is no change
    code += [(equal, 0, 3, clone), (load, 0, 0, 16), (both, 0, 1, 0x7E020080), (answer, 0, 0, eperm), (answer, 0, 0, allow)]
    text = b''.join(struct.pack('HBBI', *one) for one in code)
    held = ctypes.create_string_buffer(text, len(text))
    program = struct.pack('HxxxxxxQ', len(code), ctypes.addressof(held))
    ask('seccomp', libc.prctl(PR_SET_SECCOMP, ctypes.c_ulong(2), program, 0, 0))


def limit(limits):
    def both(what, value):
        resource.setrlimit(what, (value, value))
    both(resource.RLIMIT_AS, limits['memoryBytes'])
    resource.setrlimit(resource.RLIMIT_CPU, (limits['cpuSeconds'], limits['cpuSeconds'] + 1))
    both(resource.RLIMIT_NPROC, limits['processes'])
    both(resource.RLIMIT_FSIZE, limits['scratchBytes'])
    both(resource.RLIMIT_NOFILE, OPEN_FILES)
    both(resource.RLIMIT_CORE, 0)
    both(resource.RLIMIT_MEMLOCK, 0)
    both(resource.RLIMIT_MSGQUEUE, 0)
    both(resource.RLIMIT_SIGPENDING, 64)
    both(resource.RLIMIT_STACK, 8 << 20)


def first_process(limits, program, out, err, status, alive):
    """Of the new pid namespace; never returns."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        python = os.path.realpath(sys.executable)
        if not python.startswith(('/usr/', sys.base_prefix + '/')):
            raise OSError('expected Python below %s, got %s' % (sys.base_prefix, python))
        ask('unshare', libc.unshare(NEW['mount']))
        build_root(limits, program)
        give_up_rights()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if select.select([alive], [], [], 0)[0]:
            os._exit(1)  # the watcher ended before the death signal was set
        filter_calls()
        child = os.fork()
        if child == 0:
            null = os.open('/dev/null', os.O_RDWR)
            for fd, source in ((0, null), (1, out), (2, err)):
                os.dup2(source, fd)
            os.closerange(3, 4096)
            limit(limits)
            os.execve(python, [python, '-I', '-B', '-u', '-X', 'utf8', '/program/main.py'], {})
    except BaseException as error:
        os.write(status, ('setup: %s' % error).encode()[:512])
        os._exit(1)
    for fd in (0, 1, 2, out, err):
        os.close(fd)
    while True:
        pid, ended = os.wait()
        if pid == child:
            os.write(status, str(ended).encode())
            os._exit(0)


def used(pid):
    """Memory in bytes and processor time in seconds of a process and all below it."""
    memory = seconds = 0
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        try:
            with open('/proc/%d/status' % one) as file:
                fields = dict(line.split(':', 1) for line in file)
            memory += sum(int(fields.get(name, '0 kB').split()[0]) << 10 for name in ('RssAnon', 'VmSwap', 'VmPTE'))
            with open('/proc/%d/stat' % one) as file:
                seconds += sum(map(int, file.read().rsplit(')', 1)[1].split()[11:15])) / os.sysconf('SC_CLK_TCK')
            for task in os.listdir('/proc/%d/task' % one):
                with open('/proc/%d/task/%s/children' % (one, task)) as file:
                    waiting += map(int, file.read().split())
            memory += held_by_kernel(one) if one != pid else 0
        except (OSError, ValueError):
            pass
    return memory, seconds


def held_by_kernel(pid):
    """What a process may have lying in the kernel, which counts as nobody's memory, at most."""
    try:
        files = len(os.listdir('/proc/%d/fd' % pid))
        with open('/proc/%d/maps' % pid) as file:
            is_split = len(file.read(MAPS_READ)) == MAPS_READ
    except PermissionError:  # it has hidden itself: the worst
        files, is_split = OPEN_FILES, True
    return max(0, files - FREE_FILES) * FILE_BYTES + is_split * MAPS_BYTES


def watch(pid, limits, outputs, status):
    """Until the first process has ended; what ended it, what was written, what the program's end was."""
    ends = time.monotonic() + limits['wallSeconds']
    open_fds = [*outputs, status]
    kept = {fd: b'' for fd in open_fds}
    end, peak, seconds = None, 0, 0
    while open_fds and end is None:
        for fd in select.select(open_fds, [], [], 0.02)[0]:
            piece = os.read(fd, 65536)
            if piece == b'':
                open_fds.remove(fd)
            kept[fd] += piece
        if kept[status]:
            break
        memory, seconds = used(pid)
        peak = max(peak, memory)
        if sum(len(kept[fd]) for fd in outputs) > limits['outputBytes']: end = 'output'
        elif memory > limits['memoryBytes']: end = 'memory'
        elif seconds > limits['cpuSeconds']: end = 'cpu'
        elif time.monotonic() > ends: end = 'wall'
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    os.waitpid(pid, 0)  # only after all of its namespace have ended
    for fd in open_fds:
        room = limits['outputBytes'] + 1
        while fd != status and len(kept[fd]) <= room:
            piece = os.read(fd, 65536)  # what was written before the end; all who could write have ended
            if piece == b'':
                break
            kept[fd] += piece
    if end is None and sum(len(kept[fd]) for fd in outputs) > limits['outputBytes']:
        end = 'output'  # it wrote the last of it as it ended
    return end, kept, peak, seconds


def enter_namespaces():
    """All but the mounts'. Root cannot be the one who runs the program, and only who stays outside can map another number."""
    uid, gid, pid = os.geteuid(), os.getegid(), os.getpid()
    (go, go_in), (done, done_in) = os.pipe(), os.pipe()
    helper = os.fork() if uid == 0 else 0
    if uid == 0 and helper == 0:
        try:
            os.close(go_in)
            if os.read(go, 1) == b'1':
                for name in ('uid_map', 'gid_map'):
                    write('/proc/%d/%s' % (pid, name), '0 0 1\n%d %d 1' % (INNER, OUTER))
                os.write(done_in, b'1')
        finally:
            os._exit(0)
    flags = 0
    for name, flag in NEW.items():
        flags |= 0 if name == 'mount' else flag
    ask('unshare', libc.unshare(flags))
    if uid == 0:
        os.write(go_in, b'1')
        os.close(done_in)
        if os.read(done, 1) != b'1':
            raise OSError('no other user could be mapped')
        os.waitpid(helper, 0)
    else:
        write('/proc/self/setgroups', 'deny')
        write('/proc/self/uid_map', '%d %d 1' % (INNER, uid))
        write('/proc/self/gid_map', '%d %d 1' % (INNER, gid))


def main():
    parent = os.getppid()
    limits = json.loads(sys.argv[1])
    program = sys.stdin.buffer.read()
    if os.uname().machine not in MACHINES:
        raise OSError('no filter is known for %s' % os.uname().machine)
    enter_namespaces()
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return
    (out, out_in), (err, err_in), (status, status_in), (alive, alive_in) = [os.pipe() for _ in range(4)]
    first = os.fork()
    if first == 0:
        os.close(alive_in)
        first_process(limits, program, out_in, err_in, status_in, alive)
    for fd in (out_in, err_in, status_in, alive):
        os.close(fd)
    end, kept, peak, seconds = watch(first, limits, (out, err), status)
    told = kept[status].decode('utf8', 'replace')
    if told.startswith('setup'):
        answer('setup', why=told)
        return
    ended = int(told or '9')
    sent = os.WTERMSIG(ended) if os.WIFSIGNALED(ended) else None
    if end is None and sent == signal.SIGXCPU:
        end = 'cpu'
    stdout = kept[out][:limits['outputBytes']]
    stderr = kept[err][:limits['outputBytes'] - len(stdout)]
    answer(end or ('exit' if sent is None else 'signal'), code=os.WEXITSTATUS(ended) if sent is None else sent, memoryBytes=peak,
           cpuSeconds=seconds, stdout=stdout.decode('utf8', 'replace'), stderr=stderr.decode('utf8', 'replace'))


def answer(end, **more):
    sys.stdout.write(json.dumps({'end': end, **more}))


if __name__ == '__main__':
    try:
        main()
    except Exception as error:
        answer('setup', why=str(error))
