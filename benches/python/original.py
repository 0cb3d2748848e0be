"""Measures the Python library `atasker` as atasker-bench asks, and prints the figures as one line of JSON.

Arguments: what to measure, its size, and for `interval` the milliseconds between ticks. Both generations of the library's
interface will do: `set_config` was renamed, and a queue's `put` became a coroutine.
"""

import json
import os
import resource
import sys
import threading
import time

from atasker import background_task, background_worker, task_supervisor


def start(pool_size):
    configure = getattr(task_supervisor, "set_thread_pool", None) or task_supervisor.set_config
    configure(pool_size=pool_size, reserve_normal=0, reserve_high=0)
    task_supervisor.start()


class Countdown:
    """Woken by the last of a number of bodies, on whatever thread it runs."""

    def __init__(self, hits):
        self.left = hits
        self.lock = threading.Lock()
        self.over = threading.Event()

    def hit(self):
        with self.lock:
            self.left -= 1
            if self.left == 0:
                self.over.set()


def percentile(samples, p):
    ordered = sorted(samples)
    rank = -(-p * len(ordered) // 100)
    return ordered[max(rank, 1) - 1]


def flood(size):
    start(2)
    countdown = Countdown(size)
    began = time.perf_counter()
    for _ in range(size):
        background_task(countdown.hit)()
    countdown.over.wait()
    return {"rate": size / (time.perf_counter() - began) / 1e6}


def items(size):
    start(2)
    countdown = Countdown(size)

    @background_worker(queue=True)
    def consumer(task, **kwargs):
        countdown.hit()

    consumer.start()
    put = getattr(consumer, "put_threadsafe", None) or consumer.put
    began = time.perf_counter()
    for item in range(size):
        put(item)
    countdown.over.wait()
    return {"rate": size / (time.perf_counter() - began) / 1e6}


def interval(size, milliseconds):
    start(2)
    every = milliseconds / 1e3
    ticks = []
    over = threading.Event()

    @background_worker(interval=every)
    def worker(**kwargs):
        ticks.append(time.perf_counter())
        if len(ticks) == size:
            over.set()

    cpu = time.process_time()
    began = time.perf_counter()
    worker.start()
    over.wait()
    lasted = time.perf_counter() - began
    used = time.process_time() - cpu
    # On the grid of the first tick, since no tick is told when it was due: each is late by what it is past its own place,
    # so one that falls behind for good grows later and later.
    late = [(tick - ticks[0] - n * every) * 1e6 for n, tick in enumerate(ticks[:size])]
    return {"p50": percentile(late, 50), "p99": percentile(late, 99), "cpu": 100 * used / lasted}


def idle(milliseconds):
    start(2)
    workers = []
    for _ in range(100):
        worker = background_worker(event=True)(lambda **kwargs: None)
        worker.start()
        workers.append(worker)
    time.sleep(1)
    before = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_THREAD)
    cpu = time.process_time()
    time.sleep(milliseconds / 1e3)
    used = time.process_time() - cpu
    after = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_THREAD)
    process, own = (later.ru_nvcsw - earlier.ru_nvcsw for earlier, later in zip(before, after))
    return {"cpu": used * 1e3, "switches": process - own}


def main():
    what, sizes = sys.argv[1], [int(size) for size in sys.argv[2:]]
    # Whoever started this may have given up on it, and can't end it.
    patience = threading.Timer(100, os._exit, (2,))
    patience.daemon = True
    patience.start()
    figures = {"flood": flood, "items": items, "interval": interval, "idle": idle}[what](*sizes)
    print(json.dumps(figures), flush=True)
    # Threads of the pool may still be there, and their end is not measured.
    os._exit(0)


main()
