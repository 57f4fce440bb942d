#!/usr/bin/env python3
"""Writes the traces beside it: python3 make_traces.py. The same files every time; standard library only.

The numbers are drawn, the shapes are those of real clients: an agent sends its next request 1 to 3 s after an answer; a chat page sends a new chat's title
just before the person's own message, asks for follow-ups after every answer and for tags after the first follow-ups, and waits for none of them.

One line is one request: seed,number,after,when,delay,client,model,service,work. It is sent `delay` seconds after request `after` of the same seed was `sent`
or was `over` (answered, ended or refused), or after the beginning where that is empty. `service` is how long a model works on it, in seconds.
"""
import pathlib
import random

SEEDS = 5
HERE = pathlib.Path(__file__).parent


class Trace:
    """The requests of one seed."""

    def __init__(self):
        self.requests = []

    def send(self, client, model, service, delay, after=None, when="over", work="person"):
        """Adds a request and returns its number."""
        number = len(self.requests)
        self.requests.append((number, "" if after is None else after, "" if after is None else when, f"{delay:.3f}", client, model, f"{service:.3f}", work))
        return number


def in_turn(clients):
    """Each client a list of (think, model, service): the next request is sent after the last answer and the think time."""
    trace = Trace()
    for index, script in enumerate(clients):
        last = None
        for think, model, service in script:
            last = trace.send(f"client{index}", model, service, think, last)
    return trace


def five(seed):
    """Five shapes, drawn in this order from one source."""
    source = random.Random(seed)
    u = source.uniform
    zipf = [1 / (i + 1) for i in range(8)]
    return {
        "two-agents": in_turn([[(u(1, 3), m, u(1, 6)) for _ in range(60)] for m in "ab"]),
        "agent-and-person": in_turn([[(u(1, 3), "a", u(1, 6)) for _ in range(100)], [(u(20, 60), "b", 5) for _ in range(15)]]),
        "ten-users": in_turn([[(u(5, 30), source.choices("abcdefgh", zipf)[0], u(2, 10)) for _ in range(20)] for _ in range(10)]),
        "batch-and-person": in_turn([[(0, "a", 4)] * 100 for _ in range(4)] + [[(u(20, 60), "b", 5) for _ in range(20)]]),
        "one-user": in_turn([[(u(5, 10), "a", u(2, 6)) for _ in range(50)]]),
    }


def chat_page(trace, source, client, models, task_model, chats):
    """A person at a chat page: chats of two to five messages, each chat with one of the models."""
    u = source.uniform
    answered = None
    for _ in range(chats):
        model = source.choices(models, [3, 1][: len(models)])[0]
        background = task_model or model
        title = trace.send(client, background, u(1, 3), u(10, 60), answered, work="background")
        for turn in range(source.randint(2, 5)):
            if turn == 0:
                answered = trace.send(client, model, u(3, 12), u(0.02, 0.41), title, when="sent")
            else:
                answered = trace.send(client, model, u(3, 12), u(10, 45), answered)
            follow_ups = trace.send(client, background, u(2, 4), u(0.02, 0.1), answered, work="background")
            if turn == 0:
                trace.send(client, background, u(1, 3), u(0.01, 0.05), follow_ups, work="background")


def chat(seed, task_model):
    """Three people at a chat page, two models."""
    source, trace = random.Random(1000 + seed), Trace()
    for person in range(3):
        chat_page(trace, source, f"person{person}", ["a", "b"], task_model, 5)
    return trace


def nightly_batch(seed):
    """Two workers go through 150 documents each while two people chat with another model."""
    source, trace = random.Random(2000 + seed), Trace()
    for worker in range(2):
        last = None
        for _ in range(150):
            last = trace.send(f"worker{worker}", "a", source.uniform(2, 8), source.uniform(0.01, 0.1), last)
    for person in range(2):
        chat_page(trace, source, f"person{person}", ["b"], None, 4)
    return trace


def write(name, traces):
    lines = ["seed,number,after,when,delay,client,model,service,work"]
    lines += [f"{seed}," + ",".join(map(str, request)) for seed, trace in enumerate(traces) for request in trace.requests]
    (HERE / f"{name}.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    drawn = [five(seed) for seed in range(SEEDS)]
    for shape in drawn[0]:
        write(shape, [of_seed[shape] for of_seed in drawn])
    write("chat-page", [chat(seed, None) for seed in range(SEEDS)])
    write("chat-page-task-model", [chat(seed, "t") for seed in range(SEEDS)])
    write("nightly-batch", [nightly_batch(seed) for seed in range(SEEDS)])
