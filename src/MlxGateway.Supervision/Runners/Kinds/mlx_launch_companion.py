#!/usr/bin/env python3
"""Hosts the installed mlx.launch, unchanged, in this process, and makes it governable.

    mlx_launch_companion.py --gateway-program FILE [--gateway-local RANKS] [any argument of mlx.launch] -- PYTHON [any argument of the program]

By itself that launcher ends with 0 when all ranks have failed, computes without end while nothing happens, hangs on SIGINT, and
reaches this machine through ssh when its name is in the list of hosts. Hosted here

* every rank runs FILE in PYTHON: its text goes along in the command line, so that no other host need have it, nor another version of it.
* the ranks in the list RANKS (0,1,…) are on this machine: they are its children, whatever the list of hosts calls it.
* when a rank ends, whatever its exit code, the others are ended and so is this, and says why on standard output, one JSON object in a line:
    {"event": "exit", "code": C, "reason": "of 2 ranks, rank 1 on HOST ended with exit code 70: …"}
  C is the code of that rank; 71 if it was 0 or a signal. Where the system has killed a rank of this machine, it ends by SIGKILL itself.
* it needs no standard input, and takes no processor time while it waits.
* SIGTERM and SIGINT end it at once. The ranks of this machine, and the ssh of the others, are in its process group: signal that.
* 74: this mlx has no launcher, or one that cannot be hosted. 2: the launcher refused its arguments.

Made for mlx 0.31 and 0.32; needs nothing beside it; Python 3.9 and later.
"""

import argparse
import base64
import json
import os
import select
import signal
import sys
import threading
import time
import traceback
import zlib
from collections import deque

ENDED, UNHOSTABLE, NO_SSH = 71, 74, 255
TERMINATED, KILLED = (-signal.SIGTERM, 128 + signal.SIGTERM), (-signal.SIGKILL, 128 + signal.SIGKILL)
GRACE = 3  # seconds, for the launcher to read what the ranks have said and to end the others
LINES = 4  # of what a rank said last, where it did not say why it ended

leaving = threading.Lock()


def leave(code, reason=None, was_killed=False):
    """Ends the launcher at once; what is left of the ranks is in our group. Only the first reason counts."""
    leaving.acquire()
    sys.stdout.flush()
    if reason:
        # On a line of its own, whatever a rank was about to say.
        os.write(1, ("\n" + json.dumps({"event": "exit", "code": code, "reason": reason}) + "\n").encode())
    sys.stderr.flush()
    if was_killed:
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(code)


def describe(error):
    return f"{type(error).__name__}: {error}"


class Ranks:
    """What is known of the ranks that the launcher has started."""

    def __init__(self):
        self.all, self.ended = [], []
        self.changing = threading.Lock()

    def look(self):
        """Those that have ended, the first one first."""
        with self.changing:
            self.ended += [r for r in self.all if r not in self.ended and r.process.poll() is not None]
            return self.ended

    def watch(self):
        while not self.look():
            time.sleep(0.01)
        # The launcher ends the others only if it was a failure, and then may wait for one that does not listen.
        until = time.monotonic() + GRACE
        while time.monotonic() < until and len(self.look()) < len(self.all):
            time.sleep(0.01)
        self.leave()

    def leave(self):
        time.sleep(0.2)  # for their last words
        # The others were asked to end, or do not matter.
        culprits = [r for r in self.look() if r.process.returncode not in TERMINATED] or self.ended
        alike = {}
        for rank in culprits:
            alike.setdefault(rank.how_it_ended(), []).append(rank.name())
        reason = "; ".join(f"{' and '.join(names)} {how}" for how, names in alike.items())
        code = culprits[0].process.returncode
        leave(code if code > 0 else ENDED, f"of {len(self.all)} ranks, {reason}", any(r.was_killed_here() for r in culprits))


def watched(process, ranks, local):
    """The launcher's own command, whose end and last words are remembered."""

    class Watched(process):
        def __init__(self, rank, host, *args, **kwargs):
            self.number, self.place, self.last, self.rest = rank, host, deque(maxlen=LINES), ""
            self.reason = None
            super().__init__(rank, "127.0.0.1" if rank in local else host, *args, **kwargs)
            self.is_here = rank in local or host == "127.0.0.1"
            ranks.all.append(self)

        def preprocess_output(self, data, is_stdout=False):
            data = super().preprocess_output(data, is_stdout)
            *lines, self.rest = (self.rest + data).split("\n")
            for line in filter(None, map(str.strip, lines)):
                self.hear(line)
            return data

        def hear(self, line):
            if not line.startswith("{"):
                return self.last.append(line)
            try:
                said = json.loads(line)
                self.reason = self.reason or (said.get("reason") if said.get("event") == "exit" else None)
            except (ValueError, AttributeError):
                self.last.append(line)

        def name(self):
            return f"rank {self.number} on {'this machine' if self.is_here else self.place}"

        def how_it_ended(self):
            code, words = self.process.returncode, self.reason or " | ".join(self.last)
            if code == NO_SSH and not self.is_here and not words:
                return f"was not reached: ssh failed; try \"ssh {self.place} true\", which must ask for nothing"
            if code in KILLED:
                return "was killed by SIGKILL"
            return f"ended with {f'exit code {code}' if code >= 0 else f'signal {-code}'}: {words or 'it said nothing'}"

        def was_killed_here(self):
            return self.is_here and self.process.returncode in KILLED

    return Watched


def calm(read, write, exceptional, timeout):
    """The ranks are told nothing on their standard input, which can always be written to: the launcher would never wait."""
    wait = 0.1 if timeout is None else min(timeout, 0.1)
    if not read:
        time.sleep(wait)
        return [], [], []
    return select.select(read, [], [], wait)[0], [], []


def counted(run, codes):
    """The launcher does not look at what mpirun ends with."""

    def counted_run(*args, **kwargs):
        done = run(*args, **kwargs)
        codes.append(done.returncode)
        return done

    return counted_run


def find_launcher():
    """What the command mlx.launch would run."""
    from importlib import metadata

    for entry in metadata.distribution("mlx").entry_points:
        if entry.name == "mlx.launch":
            main = entry.load()
            return main, sys.modules[main.__module__]
    raise ImportError("mlx has no mlx.launch")


def own_arguments():
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--gateway-program", required=True)
    parser.add_argument("--gateway-local", default="")
    words = sys.argv[1:]
    end = words.index("--")
    own, rest = parser.parse_known_args(words[:end])
    with open(own.gateway_program, "rb") as file:
        text = base64.b64encode(zlib.compress(file.read(), 9)).decode()
    python, *arguments = words[end + 1 :]
    sys.argv[1:] = [*rest, "--", python, "-c", f"import base64,zlib;exec(compile(zlib.decompress(base64.b64decode('{text}')),'{os.path.basename(own.gateway_program)}','exec'))", *arguments]
    return {int(rank) for rank in own.gateway_local.split(",") if rank}


def hold_input_open():
    """The launcher reads its standard input all the time, and its end without a pause."""
    read, _ = os.pipe()
    os.dup2(read, 0)
    os.close(read)


def main():
    local = own_arguments()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    hold_input_open()
    ranks, codes = Ranks(), []
    try:
        launch, launcher = find_launcher()
        launcher.RemoteProcess = watched(launcher.RemoteProcess, ranks, local)
        launcher.select, launcher.run = calm, counted(launcher.run, codes)
    except Exception as error:
        traceback.print_exc()
        leave(UNHOSTABLE, f"this mlx cannot launch on several hosts: {describe(error)}")
    threading.Thread(target=ranks.watch, daemon=True, name="gateway-watch-ranks").start()
    try:
        launch()
    except SystemExit as refused:
        leave(refused.code if isinstance(refused.code, int) and refused.code else 1)
    except Exception as error:
        traceback.print_exc()
        leave(1, describe(error))
    if ranks.look():
        ranks.leave()
    leave(codes[-1] or ENDED if codes else ENDED)


if __name__ == "__main__":
    main()
