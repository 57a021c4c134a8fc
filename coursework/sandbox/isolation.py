"""Shut this process in, then become the program that runs a submission.

    python -I isolation.py '{"method": ..., ...}'

Standard library only; Linux for anything but limits. There are two ways:

"namespaces": the process gets its own network (with nothing in it), its own process
numbers, and a file system in memory in which there are Python, the libraries and the
submission, and nothing else. Root may do that, and so may others where the system
allows user namespaces.

"landlock": of the real file system only the same folders can be opened. It needs no
right at all, but leaves the network (other than TCP, on a newer Linux).

"nothing": limits alone.
"""

import ctypes
import json
import os
import resource
import shutil
import signal
import sys
from pathlib import Path

FAILED = 97  # exit status: we could not be shut in
ANSWERS = 3  # where the submission's answers go
NEWNS, NEWIPC, NEWUSER, NEWPID, NEWNET = 1 << 17, 1 << 27, 1 << 28, 1 << 29, 1 << 30
NOSUID, NODEV, NOEXEC, BIND, RECURSIVE, PRIVATE = 2, 4, 8, 1 << 12, 1 << 14, 1 << 18
DETACH, SET_PARENT_DEATH_SIGNAL, SET_NO_NEW_PRIVILEGES = 2, 1, 38
MOUNT_SETATTR, LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 442, 444, 445, 446
HERE = -100  # AT_FDCWD
C = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments) -> int:
    """A function of the C library; an error is raised."""
    given = [a.encode() if isinstance(a, str) else a for a in arguments]
    result = getattr(C, name)(*given)
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def prctl(option: int, value: int) -> None:
    """One setting of this process."""
    call("prctl", option, *map(ctypes.c_ulong, (value, 0, 0, 0)))


def enter_namespaces() -> None:
    """Namespaces of our own; who is not root needs one of users, too."""
    user, group = os.getuid(), os.getgid()
    call("unshare", NEWNS | NEWIPC | NEWPID | NEWNET | (NEWUSER if user else 0))
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def be_first_process() -> None:
    """Fork: the child is process 1 of its namespace; when it ends, all in it end."""
    child = os.fork()
    if child:
        leave_as(os.waitpid(child, 0)[1])
    prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def leave_as(status: int) -> None:
    """Exit as a child did; death by a signal is 128 and its number."""
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def make_root(folder: Path, visible: list[str], megabytes: int) -> None:
    """A new root: what is visible, read-only, and a copy of the folder, in memory."""
    call("mount", None, "/", None, RECURSIVE | PRIVATE, None)
    root, options = folder / "root", f"size={megabytes}m,mode=755"
    root.mkdir()
    call("mount", "tmpfs", str(root), "tmpfs", NOSUID | NODEV, options)
    for path in map(Path, [*visible, "/dev/null", "/dev/zero", "/dev/urandom"]):
        show(path, root / path.relative_to("/"))
    (root / "proc").mkdir(exist_ok=True)
    (root / "tmp").mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    shutil.copytree(folder, root / "submission", ignore=lambda *_: ["root"])
    try:
        flags = NOSUID | NODEV | NOEXEC
        call("mount", "proc", str(root / "proc"), "proc", flags, None)
    except OSError:
        pass  # inside a container; nothing needs it
    os.chdir(root)
    call("pivot_root", ".", ".")
    call("umount2", ".", DETACH)  # the old root
    os.chdir("/submission")


def show(path: Path, target: Path) -> None:
    """Bind a file or folder to its place in the new root, so that nobody writes it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        target.symlink_to(os.readlink(path))
        return
    if not path.exists():
        return
    if path.is_dir():
        target.mkdir(exist_ok=True)
    else:
        target.touch()
    call("mount", str(path), str(target), None, BIND | RECURSIVE, None)
    if path.parts[1] != "dev":
        recursive, read_only = 0x8000, (ctypes.c_uint64 * 4)(1 | 2)  # and no setuid
        where = HERE, str(target).encode(), recursive, ctypes.byref(read_only), 32
        call("syscall", MOUNT_SETATTR, *where)


def restrict_files(folder: Path, visible: list[str]) -> None:
    """Landlock: nothing but these can be opened, by us and all that we start."""
    version = C.syscall(LANDLOCK_CREATE, None, 0, 1)
    if version < 1:
        raise OSError("Landlock is not there.")
    everything = (1 << (13, 14, 15, 15)[min(version, 4) - 1]) - 1
    network, scopes = (3 if version >= 4 else 0), (3 if version >= 6 else 0)
    asked = (ctypes.c_uint64 * 3)(everything, network, scopes)
    size = 8 * (1 + (version >= 4) + (version >= 6))
    rules = call("syscall", LANDLOCK_CREATE, ctypes.byref(asked), size, 0)
    reading = 1 | 4 | 8  # execute, read a file, read a folder
    for path in [*visible, "/dev/urandom", "/dev/zero"]:
        allow(rules, path, reading)
    allow(rules, "/dev/null", reading | 2)
    allow(rules, str(folder), everything)
    prctl(SET_NO_NEW_PRIVILEGES, 1)
    call("syscall", LANDLOCK_RESTRICT, rules, 0)
    os.close(rules)


def allow(rules: int, path: str, rights: int) -> None:
    """Add a file, or a folder and all in it, to what may be opened."""
    try:
        file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not there
    if not os.path.isdir(path):
        rights &= 1 | 2 | 4
    rule = ctypes.create_string_buffer(
        rights.to_bytes(8, sys.byteorder) + file.to_bytes(4, sys.byteorder), 12
    )
    call("syscall", LANDLOCK_ADD, rules, 1, ctypes.byref(rule), 0)
    os.close(file)


def limit(limits: dict) -> None:
    """What one process may use; processes are counted for the whole user."""
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, name), (value, value))


def become_nobody(user: int) -> None:
    """From root to a user who owns nothing, and never back."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def main(how: dict) -> None:
    """Shut in, limit, become the program."""
    folder, namespaces = Path(how["folder"]), how["method"] == "namespaces"
    os.umask(0o022)
    if sys.platform == "linux":
        # When memory runs out, this is what the system should end, and nothing else.
        Path("/proc/self/oom_score_adj").write_text("1000")
        prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        os.sched_setaffinity(0, how["processors"])
    if namespaces:
        enter_namespaces()
        be_first_process()
        make_root(folder, how["visible"], how["megabytes"])
        if worker := os.fork():
            while (ended := os.wait())[0] != worker:
                pass  # an orphan
            leave_as(ended[1])
    os.dup2(how["answers"], ANSWERS)
    os.closerange(ANSWERS + 1, 1024)
    if how["user"] is not None:
        if namespaces:
            for path in [Path("."), *Path(".").rglob("*")]:
                os.chown(path, how["user"], how["user"])
        become_nobody(how["user"])
    if how["method"] == "landlock":
        restrict_files(folder, how["visible"])
    elif namespaces:
        prctl(SET_NO_NEW_PRIVILEGES, 1)
    limit(how["limits"])
    os.execve(how["program"][0], how["program"], how["environment"])


if __name__ == "__main__":
    try:
        main(json.loads(sys.argv[1]))
    except (OSError, AttributeError) as error:
        print(f"Nothing can be shut in here: {error}", flush=True)
        os._exit(FAILED)
