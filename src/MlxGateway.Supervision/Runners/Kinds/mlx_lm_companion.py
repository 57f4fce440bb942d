#!/usr/bin/env python3
"""Hosts the installed mlx_lm.server, unchanged, in this process, and makes it governable.

    mlx_lm_companion.py --spare
    mlx_lm_companion.py [--lifeline] [--gateway-context TOKENS] [--gateway-pool BYTES] [--gateway-ranks N] [any argument of mlx_lm.server]

By itself that server lives on without its model, without its port and without the thread that generates, and finishes
answers that nobody waits for any more. Hosted here

* it ends when it is of no more use, with an exit code that says why:
    70  the model could not be loaded          73  standard input closed (only with --lifeline)
    71  the thread that generates has ended    74  this mlx-lm cannot be hosted: start the plain server instead
    72  the address could not be bound             75  not as many ranks found each other as there are (--gateway-ranks)
* it says on standard output, one JSON object a line, what happens:
    {"event": "listening", "port": N}   (--port 0 takes a free one)
    {"event": "loaded", "seconds": S}
    {"event": "unhooked", "what": …}    this mlx-lm is built in another way; all but that works
    {"event": "exit", "code": C, "reason": …}
* as a spare it imports what every model needs, says {"event": "spare"}, waits for one line on standard input, {"argv": [its arguments], "secret": "…"},
  says {"event": "taken"} and is from then on as if it had been started with them. It ends with 73 if its input ends before.
* a client that leaves is noticed at once, streaming or not: what it asked for is dropped from the queue, or ends after the
  prompt step or the token in hand. Closing only the sending half of a connection counts as leaving.
* it answers, to anything but a web page, beside its own routes:
    GET  /gateway/ready      200 once the model is loaded, 503 before
    GET  /gateway/status     the state and what there is to know: memory, device, context length, versions
    POST /gateway/tokenize   {"messages": […], "tools": […], "chat_template_kwargs": {…}} or {"prompt": "…"}
                             -> {"count": N, "tokens": [ids]}, exactly what a completion would count
    POST /gateway/alive      200 once the thread that generates has come a step further: in a request, or in asking all ranks for the next one
* it listens on the loopback and nowhere else, and with MLXGATEWAY_RUNNER_SECRET in its environment it answers only to
  "Authorization: Bearer" with that secret. What it runs does not inherit the variable.
* every answer says that the connection is closed after it, as it is.
* its memory is bounded. By itself that server takes prompts of any length, generates without end, keeps what it was told not to
  keep, and never gives back what it has freed. Here
    --gateway-context      a conversation has no more tokens: a longer prompt gets a 400, an answer ends there ("length")
    --prompt-cache-bytes   holds whatever is served how; and what is kept takes what it says that it takes
    --gateway-pool         MLX keeps no more freed memory than that

As one of several ranks (--gateway-ranks), in this process or on other machines, it is told the same as all others, and does the same: what ends here ends
everywhere, or goes on to its end. Only rank 0 listens.

Nothing else of its behaviour is changed. Made for mlx-lm 0.31 and 0.32; needs nothing beside it; Python 3.9 and later.
"""

import argparse
import hmac
import inspect
import ipaddress
import json
import os
import queue
import resource
import select
import socket
import socketserver
import sys
import threading
import time
import traceback
import weakref
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

LOAD_FAILED, GENERATION_ENDED, NOT_BOUND, ORPHANED, UNHOSTABLE, ALONE, WRONG_USE = 70, 71, 72, 73, 74, 75, 2
LONGEST_STEP = 3600  # seconds; whoever asks whether there is one more will have left long before
LONGEST_BODY = 256 << 20  # far more than any context takes; a length is only a promise

SECRET = "MLXGATEWAY_RUNNER_SECRET"

speaking = threading.Lock()


def say(**event):
    with speaking:
        try:
            sys.stdout.write(json.dumps(event) + "\n")
            sys.stdout.flush()
        except (OSError, ValueError):
            pass  # nobody listens any more; that is no reason to fail


def leave(code, reason):
    """Ends the whole process at once: a thread of the server must not keep the memory of the model."""
    say(event="exit", code=code, reason=reason)
    try:
        sys.stderr.flush()
    finally:
        os._exit(code)


def describe(error):
    return f"{type(error).__name__}: {error}"


def follow_lifeline():
    """Standard input is a pipe that only our parent holds; its end means that the parent is gone."""
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    leave(ORPHANED, "standard input closed")


# ---- what is known of the model -------------------------------------------------------------------------------------


class Model:
    """The state of the model that the server was started for."""

    def __init__(self):
        self.state, self.error, self.seconds, self.context, self.provider = "loading", None, None, None, None

    def watch(self, server):
        original = server.ModelProvider.load

        def load(provider, *args, **kwargs):
            if self.state == "loaded":
                return original(provider, *args, **kwargs)
            self.provider, began = provider, time.monotonic()
            try:
                result = original(provider, *args, **kwargs)
            except BaseException as error:
                self.error, self.state = describe(error), "error"
                raise
            self.seconds, self.context = round(time.monotonic() - began, 3), self.context_length()
            self.error, self.state = None, "loaded"
            say(event="loaded", seconds=self.seconds)
            return result

        server.ModelProvider.load = load

    def context_length(self):
        """In tokens, as the model's own files say; None where they do not."""
        names = ("max_position_embeddings", "max_sequence_length", "model_max_length", "n_positions", "seq_length")
        try:
            config = json.loads((Path(self.provider.model_key[0]) / "config.json").read_text(encoding="utf-8"))
            for part in (config, *(config.get(p) or {} for p in ("text_config", "llm_config", "language_config"))):
                for name in names:
                    if isinstance(part.get(name), int):
                        return part[name]
        except Exception:
            pass  # not a folder, or not one that we can read: a gap in the status, and no failure
        return None


# ---- how much memory it may take -------------------------------------------------------------------------------------


class TooLong(ValueError):
    def __init__(self, limit, count):
        super().__init__(f"This model's maximum context length is {limit} tokens. However, the request has {count} tokens.")


def bound_context(generator, limit):
    """Every request is tokenized before it is served, with the number of tokens that it wants."""
    if not (original := getattr(generator, "_tokenize", None)):
        return say(event="unhooked", what="the context")

    def tokenize(this, tokenizer, request, args, *more):
        result = original(this, tokenizer, request, args, *more)
        wanted = getattr(args, "max_tokens", None)
        if wanted is not None:  # otherwise somebody only counts
            count = len(result[0])
            if count >= limit:
                raise TooLong(limit, count)
            args.max_tokens = min(wanted, limit - count)
        return result

    generator._tokenize = tokenize


def bound_prompts(mx, server):
    """
    The server's cache of prompts knows a limit of bytes, but is built without it, and what it keeps is not yet computed: each entry
    holds on to the whole batch of which it was a part.
    """
    cache, run = getattr(server, "LRUPromptCache", None), getattr(server, "run", None)
    if not (cache and run and hasattr(cache, "insert_cache") and "max_bytes" in inspect.signature(cache).parameters):
        return say(event="unhooked", what="the bytes of the prompt cache")

    class BoundedPromptCache(cache):
        def insert_cache(self, model, tokens, prompt_cache, *args, **kwargs):
            super().insert_cache(model, tokens, prompt_cache, *args, **kwargs)
            # After the older ones have made room for it.
            if sum(c.nbytes for c in prompt_cache) <= self.max_bytes:
                mx.eval([c.state for c in prompt_cache])

    def run_bounded(host, port, provider, *args, **kwargs):
        # Taken from where it says how much prompts and running requests may take together, which would drop all prompts as soon as one is long.
        limit, provider.cli_args.prompt_cache_bytes = getattr(provider.cli_args, "prompt_cache_bytes", None), None
        server.LRUPromptCache = BoundedPromptCache if limit is None else lambda size: BoundedPromptCache(size, limit)
        return run(host, port, provider, *args, **kwargs)

    server.run = run_bounded


def bound_pool(mx, limit):
    if not hasattr(mx, "set_cache_limit"):
        return say(event="unhooked", what="the memory that MLX keeps after it is freed")
    mx.set_cache_limit(limit)


# ---- several ranks --------------------------------------------------------------------------------------------------


class Pulse:
    """Beats with every step of the thread that generates. With several ranks that is a step of all: none takes the next one without the others."""

    def __init__(self):
        self.beats, self.changed = 0, threading.Condition()

    def beat(self):
        with self.changed:
            self.beats += 1
            self.changed.notify_all()

    def next(self, seconds):
        """Whether there is one more."""
        with self.changed:
            now = self.beats
            return self.changed.wait_for(lambda: self.beats != now, seconds)

    def watch(self, generator):
        if not (share := getattr(generator, "_share_object", None)):
            return say(event="unhooked", what="the steps of the thread that generates")

        def share_and_beat(this, *args, **kwargs):
            result = share(this, *args, **kwargs)
            self.beat()
            return result

        generator._share_object = share_and_beat


def meet(mx, count):
    """Where the ranks do not find each other, each of them is told that it is alone, and would load the whole model. A host without the model is told before the others wait for it."""
    path = next((value for name, value in zip(sys.argv, sys.argv[1:]) if name == "--model"), "")
    if os.path.isabs(path) and not os.path.isdir(path):
        leave(LOAD_FAILED, f"the model is not on this host: there is no folder {path}")
    size = mx.distributed.init().size()
    if size != count:
        leave(ALONE, f"this rank found {size} of {count} ranks: the backend does not work between these hosts, or the list of hosts has changed")


# ---- clients that leave ---------------------------------------------------------------------------------------------


class ClientLeft(ConnectionAbortedError):
    def __init__(self):
        super().__init__("the client left")


class Attendance:
    """One request and the client that waits for it. Stands between the generating thread and the queue on which the client's thread waits."""

    def __init__(self, connection, request, desk):
        self.connection, self.request, self.desk = connection, request, desk
        self.unstoppable = False  # several ranks serve it one step after another, and could not all be told in the same one
        self.lock, self.answers = threading.Lock(), None
        self.left, self.context, self.uid, self.alone, self.too_long = False, None, None, False, False

    def put(self, item):
        """Called by the generating thread, with the context once, then progress and tokens, then None or an exception."""
        self.desk.pulse.beat()
        with self.lock:
            if item is None or isinstance(item, Exception):
                self.too_long = isinstance(item, TooLong)
                self.uid = None  # done: the batch may give the number to nobody, but a later batch will
            elif hasattr(item, "stop"):
                if self.unstoppable:
                    item.stop = lambda: None
                self.context = item
                self.desk.admitted = self
            if not self.left:
                return self.answers.put(item)
            if self.context is not None:
                self.context.stop()
        if isinstance(item, tuple) and self.alone:
            raise ClientLeft  # alone, nothing but this ends the reading of a prompt

    def leave(self):
        with self.lock:
            if self.left:
                return
            self.left = True
            if self.context is not None:
                self.context.stop()
            if self.uid is not None:
                self.desk.dropped.add(self.uid)
            if self.answers is not None:
                self.answers.put(ClientLeft())  # or its thread would wait for ever

    def enter_batch(self, uid):
        with self.lock:
            self.uid = uid
            if self.left:
                self.desk.dropped.add(uid)


class Desk:
    """Knows who waits for an answer, and notices within a moment when one of them leaves."""

    def __init__(self, pulse):
        self.pulse = pulse
        self.lock, self.present = threading.Lock(), set()
        self.by_request = weakref.WeakValueDictionary()
        self.mine = threading.local()  # the attendance of a client's thread
        self.admitted = None  # the last one that the generating thread has taken up; touched by that thread only
        self.dropped = set()  # numbers in the batch whose clients left
        self.bell, self.rope = socket.socketpair()
        self.bell.setblocking(False)
        threading.Thread(target=self.watch, daemon=True, name="gateway-watch-clients").start()

    def enter(self, connection, request):
        attendance = Attendance(connection, request, self)
        with self.lock:
            self.present.add(attendance)
            self.by_request[id(request)] = attendance
        self.mine.attendance = attendance
        self.rope.send(b".")
        return attendance

    def depart(self, attendance):
        self.mine.attendance = None
        with self.lock:
            self.present.discard(attendance)
        attendance.leave()  # whatever ended the thread, nobody reads the rest

    def counts(self):
        with self.lock:
            queued = sum(1 for a in self.present if a.context is None)
            return {"queued": queued, "running": len(self.present) - queued}

    def watch(self):
        silent = weakref.WeakSet()  # those that sent more than their request: their end cannot be seen from here
        while True:
            with self.lock:
                watched = {a.connection.fileno(): a for a in self.present if not a.left and a not in silent}
            watched.pop(-1, None)
            poll = select.poll()
            poll.register(self.bell, select.POLLIN)
            for number in watched:
                poll.register(number, select.POLLIN)
            for number, _ in poll.poll():
                attendance = watched.get(number)
                if attendance is None:
                    self.silence_bell()
                elif self.is_gone(attendance.connection):
                    attendance.leave()
                else:
                    silent.add(attendance)

    def silence_bell(self):
        try:
            self.bell.recv(4096)
        except OSError:
            pass

    @staticmethod
    def is_gone(connection):
        try:
            return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    # Each of these hooks one thing of the server. What is not there is said and left out.

    def hook(self, server, generator):
        self.hook_queue(generator)
        self.hook_batch(server, generator)
        self.hook_turns(generator)
        self.hook_single(generator)

    def hook_queue(self, generator):
        """Whatever the server makes its queue of requests, it gets ours; the generating thread starts too early to exchange it later."""
        if hasattr(generator, "requests") or "self.requests = " not in inspect.getsource(generator.__init__):
            return say(event="unhooked", what="clients that leave")
        name, desk = "_gateway_requests", self
        generator.requests = property(lambda this: getattr(this, name), lambda this, _: setattr(this, name, Requests(desk)))

    def hook_turns(self, generator):
        """When the turn of a request comes whose client has left, it is not even tokenized."""
        if not (original := getattr(generator, "_tokenize", None)):
            return say(event="unhooked", what="requests whose clients left while they were queued")

        def tokenize(this, tokenizer, request, *args, **kwargs):
            attendance = self.by_request.get(id(request))
            if attendance is not None and attendance.left and not is_distributed(this):
                raise ClientLeft  # the server tells whoever waits, and takes the next
            with tokenizing:
                return original(this, tokenizer, request, *args, **kwargs)

        generator._tokenize = tokenize

    def hook_single(self, generator):
        """A request that is served alone (a seed, a draft model, quantised keys) asks nobody while it reads its prompt."""
        if not (original := getattr(generator, "_serve_single", None)):
            return say(event="unhooked", what="prompts of single requests whose clients left")

        def serve_single(this, request, *args, **kwargs):
            if isinstance(request[0], Attendance):
                request[0].unstoppable = is_distributed(this)
                request[0].alone = not request[0].unstoppable
            return original(this, request, *args, **kwargs)

        generator._serve_single = serve_single

    def hook_batch(self, server, generator):
        """
        The server looks for requests to remove from its batch after half a second of tokens, and only at those that got one.
        Told here: at once, and also those that wait inside the batch.
        """
        batch, budget = getattr(server, "BatchGenerator", None), getattr(server, "TimeBudget", None)
        share = getattr(generator, "_share_object", None)
        if not (batch and budget and share and hasattr(batch, "insert_segments")):
            return say(event="unhooked", what="batched requests whose clients left: they end within a second")
        desk, next_step = self, budget.__next__

        class WatchedBatchGenerator(batch):
            def insert_segments(self, *args, **kwargs):
                uids = super().insert_segments(*args, **kwargs)
                if desk.admitted is not None and len(uids) == 1:
                    desk.admitted.enter_batch(uids[0])
                desk.admitted = None
                return uids

        def step(this):
            if desk.dropped and not is_distributed(this):
                raise StopIteration
            return next_step(this)

        def with_dropped(this, item):
            # Outside of a distributed server this is asked for one thing: the list of those to remove.
            if isinstance(item, list) and desk.dropped:
                dropped = set(desk.dropped)
                desk.dropped -= dropped
                item = item + sorted(dropped.difference(item))
            return share(this, item)

        server.BatchGenerator, generator._share_object, budget.__next__ = WatchedBatchGenerator, with_dropped, step


class Requests(queue.Queue):
    """The server's queue of requests, which passes over those whose clients have left."""

    def __init__(self, desk):
        super().__init__()
        self.desk = desk

    def put(self, item, *args, **kwargs):
        attendance = getattr(self.desk.mine, "attendance", None)
        if attendance is not None:
            answers, *rest = item
            with attendance.lock:
                attendance.answers = answers
                if attendance.left:
                    answers.put(ClientLeft())
            item = (attendance, *rest)
        super().put(item, *args, **kwargs)

    def get(self, *args, **kwargs):
        while True:
            item = super().get(*args, **kwargs)
            if not (isinstance(item[0], Attendance) and item[0].left):
                return item


def is_distributed(generator):
    """Whether other machines do the same in step with this one: then nothing may be left out here alone."""
    return getattr(generator, "_is_distributed", False)


tokenizing = threading.Lock()  # two threads in one tokenizer: "Already borrowed"


# ---- the thread that generates --------------------------------------------------------------------------------------


def watch_generation(generator, model):
    """When it ends, nothing will ever be answered again: neither do we stay."""
    original = generator._generate

    def generate(this, *args, **kwargs):
        reason = "the thread that generates ended"
        try:
            original(this, *args, **kwargs)
        except BaseException as error:
            traceback.print_exc()
            reason = describe(error)
        if model.state != "loaded":
            leave(LOAD_FAILED, model.error or reason)
        if not getattr(this, "_stop", False):
            leave(GENERATION_ENDED, reason)

    generator._generate = generate


# ---- the server -----------------------------------------------------------------------------------------------------


def status(mx, versions, model, desk, limits):
    memory = {n: getattr(mx, f"get_{n}_memory")() for n in ("active", "peak", "cache") if hasattr(mx, f"get_{n}_memory")}
    device = mx.device_info() if hasattr(mx, "device_info") else mx.metal.device_info()
    return {
        "state": model.state,
        "error": model.error,
        "context": model.context,
        "load_seconds": model.seconds,
        "requests": desk.counts(),
        "memory": memory,
        "device": {name: value for name, value in device.items() if isinstance(value, (str, int, float))},
        "limits": {"memory": mx.get_memory_limit() if hasattr(mx, "get_memory_limit") else None, "wired": limits.get("wired")},
        "versions": versions,
    }


def handler_with_routes(server, model, desk, describe_status, secret):
    expected = f"Bearer {secret}".encode() if secret else None

    class Handler(server.APIHandler):
        def parse_request(self):
            # Before anything of the server looks at it, whatever the method.
            if not super().parse_request():
                return False
            given = self.headers.get("Authorization", "").encode("utf-8", "replace")
            if expected is None or hmac.compare_digest(given, expected):
                return True
            self.drop_body()
            self.reply(401, {"error": {"message": "This model is served through its gateway only.", "type": "authentication_error", "param": None, "code": "invalid_api_key"}})
            return False

        def do_GET(self):
            if not self.path.startswith("/gateway/"):
                return super().do_GET()
            if self.is_page():
                return self.reply(403, {"error": "not for web pages"})
            if self.path == "/gateway/ready":
                return self.reply(200 if model.state == "loaded" else 503, {"state": model.state, "error": model.error})
            if self.path == "/gateway/status":
                return self.reply(200, describe_status())
            self.reply(404, {"error": "not found"})

        def do_POST(self):
            if not self.path.startswith("/gateway/"):
                return super().do_POST()
            if self.is_page():
                return self.reply(403, {"error": "not for web pages"})
            if self.path == "/gateway/alive":
                self.drop_body()
                return self.reply(200 if desk.pulse.next(LONGEST_STEP) else 503, {"steps": desk.pulse.beats})
            if self.path != "/gateway/tokenize":
                return self.reply(404, {"error": "not found"})
            self.reply(*self.tokenize())

        def do_OPTIONS(self):
            if not self.path.startswith("/gateway/"):
                return super().do_OPTIONS()
            self.reply(404, {"error": "not found"})

        def handle_completion(self, request, *args, **kwargs):
            attendance = desk.enter(self.connection, request)
            try:
                return super().handle_completion(request, *args, **kwargs)
            except OSError:
                if not (attendance.left or desk.is_gone(self.connection)):
                    raise
                self.log_message("the client left; its request was dropped")
            finally:
                desk.depart(attendance)

        def _set_completion_headers(self, status_code=200):
            # It knows one status for whatever is wrong.
            attendance = getattr(desk.mine, "attendance", None)
            super()._set_completion_headers(400 if status_code == 404 and attendance is not None and attendance.too_long else status_code)

        def end_headers(self):
            # It speaks HTTP/1.0 and closes after each answer, but a client of today that is told the length keeps the connection and sends its next request into it.
            if not any(line.lower().startswith(b"connection:") for line in getattr(self, "_headers_buffer", [])):
                self.send_header("Connection", "close")
            super().end_headers()

        def log_request(self, *args):
            # Asked many times a second while a model loads; that would push out of the log what somebody wants to know.
            if not getattr(self, "path", "").startswith("/gateway/"):
                super().log_request(*args)

        def drop_body(self):
            # Otherwise the connection is reset over what was not read, and the answer with it. Nobody whom we do not know holds us up for long.
            length = self.headers.get("Content-Length", "")
            self.connection.settimeout(1)
            try:
                self.rfile.read(min(int(length), 1 << 16) if length.isdigit() else 0)
            except OSError:
                pass

        def is_page(self):
            return "Origin" in self.headers

        def tokenize(self):
            length = self.headers.get("Content-Length", "")
            if not length.isdigit():
                return 411, {"error": "Content-Length header is required"}
            if int(length) > LONGEST_BODY:
                return 413, {"error": f"longer than {LONGEST_BODY} bytes"}
            body = self.rfile.read(int(length))
            tokenizer = getattr(model.provider, "tokenizer", None)
            if model.state != "loaded" or tokenizer is None:
                return 503, {"error": "the model is not loaded"}
            try:
                asked = json.loads(body)
                chat = "messages" in asked
                request = server.CompletionRequest("chat" if chat else "text", "" if chat else asked["prompt"], asked.get("messages") or [], asked.get("tools") or None, asked.get("role_mapping"))
                tokens = list(self.response_generator._tokenize(tokenizer, request, SimpleNamespace(chat_template_kwargs=asked.get("chat_template_kwargs")))[0])
                return 200, {"count": len(tokens), "tokens": tokens}
            except Exception as error:
                return 400, {"error": describe(error)}

        def reply(self, code, value):
            body = json.dumps(value).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # each request is a connection of its own

    def server_bind(self):
        host = self.server_address[0]
        if not ipaddress.ip_address(host.partition("%")[0]).is_loopback:
            leave(WRONG_USE, f"{host} is not on the loopback")
        try:
            socketserver.TCPServer.server_bind(self)  # not HTTPServer's, which asks the name service about the address
        except OSError as error:
            leave(NOT_BOUND, f"{host}:{self.server_address[1]}: {error.strerror}")
        self.server_name, self.server_port = self.server_address[:2]

    def server_activate(self):
        try:
            super().server_activate()
        except OSError as error:
            leave(NOT_BOUND, f"port {self.server_port}: {error.strerror}")
        say(event="listening", port=self.server_port)  # it listens from here on, and not from the bind on


def bear_low_file_limit():
    """mlx_lm raises its limit of open files when it is imported, and dies where it may not."""
    original = resource.setrlimit

    def setrlimit(which, limits):
        try:
            original(which, limits)
        except (ValueError, OSError):
            hard = resource.getrlimit(which)[1]
            original(which, (min(limits[0], hard), hard))

    resource.setrlimit = setrlimit
    return lambda: setattr(resource, "setrlimit", original)


def remember_wired_limit(mx, limits):
    """MLX tells the limit before the last one only, and only to who sets another."""
    original = getattr(mx, "set_wired_limit", None)
    if original is None:
        return say(event="unhooked", what="the wired limit")

    def set_wired_limit(limit):
        before = original(limit)
        limits["wired"] = limit
        return before

    mx.set_wired_limit = set_wired_limit


def own_arguments():
    """What is meant for us; the rest is left to the server."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--spare", action="store_true")
    parser.add_argument("--lifeline", action="store_true")
    parser.add_argument("--gateway-context", type=int)
    parser.add_argument("--gateway-pool", type=int)
    parser.add_argument("--gateway-ranks", type=int)
    own, sys.argv[1:] = parser.parse_known_args()
    return own


def wait_as_spare():
    """Does what is the same for every model, and then waits to be told which."""
    restore = bear_low_file_limit()
    try:
        import mlx.core  # noqa: F401
        from mlx_lm import server  # noqa: F401
    except Exception as error:
        traceback.print_exc()
        leave(UNHOSTABLE, describe(error))
    finally:
        restore()
    say(event="spare")
    line = sys.stdin.readline()
    if not line.endswith("\n"):
        leave(ORPHANED, "standard input closed")
    nothing = os.open(os.devnull, os.O_RDONLY)  # what it would have as its input if it had been started with its arguments
    os.dup2(nothing, 0)
    os.close(nothing)
    told = json.loads(line)
    sys.argv[1:] = told["argv"]
    if told.get("secret"):
        os.environ[SECRET] = told["secret"]
    say(event="taken")


def host(own):
    restore = bear_low_file_limit()
    try:
        import mlx.core as mx
        from mlx_lm import _version, server

        parts = inspect.signature(server._run_http_server).parameters
        if not {"server_class", "handler_class"} <= set(parts):
            raise ImportError("mlx_lm.server makes its HTTP server in an unknown way")
        if own.gateway_ranks:
            meet(mx, own.gateway_ranks)
        pulse, limits = Pulse(), {}
        model, desk = Model(), Desk(pulse)
        model.watch(server)
        watch_generation(server.ResponseGenerator, model)
        if own.gateway_context:
            bound_context(server.ResponseGenerator, own.gateway_context)
        bound_prompts(mx, server)
        if own.gateway_pool:
            bound_pool(mx, own.gateway_pool)
        desk.hook(server, server.ResponseGenerator)
        pulse.watch(server.ResponseGenerator)
        versions = {"mlx": mx.__version__, "mlx_lm": _version.__version__, "python": sys.version.split()[0]}
        handler = handler_with_routes(server, model, desk, lambda: status(mx, versions, model, desk, limits), os.environ.pop(SECRET, None))
        run = server._run_http_server
        server._run_http_server = lambda *args, **kwargs: run(*args, **{**kwargs, "server_class": Server, "handler_class": handler})
    except Exception as error:
        traceback.print_exc()
        leave(UNHOSTABLE, describe(error))
    finally:
        restore()
    remember_wired_limit(mx, limits)
    try:
        server.main()
    except Exception as error:
        traceback.print_exc()
        leave(LOAD_FAILED if model.state == "error" else 1, describe(error))
    except SystemExit as asked:
        leave(asked.code if isinstance(asked.code, int) else 1, "the arguments were refused" if asked.code == 2 else f"the server ended: {asked.code}")
    leave(0, "the server ended")


if __name__ == "__main__":
    own_bounds = own_arguments()
    if own_bounds.spare:
        wait_as_spare()
        own_bounds = own_arguments()
    if own_bounds.lifeline:
        threading.Thread(target=follow_lifeline, daemon=True, name="gateway-lifeline").start()
    host(own_bounds)
