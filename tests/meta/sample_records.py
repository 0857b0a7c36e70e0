"""Small records for tests that judge, store or compare them; nothing was trained for these."""

import copy
import errno
import os
import signal
import time
from functools import partial

import numpy as np

from fixtures.records.schema import SCHEMA
from fixtures.records.tracing import COEFFICIENTS, LOSSES, SAMPLING, TARGETS, Tracer
from fixtures.rllib.backends import BACKENDS
from fixtures.stack import host, installed

__all__ = ["make", "stored", "train", "trained"]


def make(seed=1, rewards=(20.0, 40.0), variant="full", stack="ray-9.0.0/modelv2-tf"):
    """Return a record; each iteration has 60 episodes whose mean is its reward."""
    release, _, backend = stack.partition("/")
    episodes = [[[reward - seed, 10], [reward + seed, 30]] * 30 for reward in rewards]
    tracer = Tracer()
    tracer.note_initial_weights(weights(seed, 0))
    for number in range(1, len(rewards) + 1):
        tracer.note_samples({name: np.full((30, 2), seed + 0.5) for name in (*SAMPLING, *TARGETS)})
        for update in range(3):
            if tracer.begin_update(partial(weights, seed, number - 1 + update / 3)):
                tracer.note_update(
                    np.full((4, 2), seed),
                    np.ones(4),
                    dict.fromkeys(COEFFICIENTS, 0.2),
                    dict.fromkeys(LOSSES, 1.5),
                    weights(1, 1),
                )
                tracer.note_applied(weights(1, 1))
        tracer.end_iteration(weights(seed, number))
    return copy.deepcopy(
        {
            "schema": SCHEMA,
            "variant": variant,
            "seed": seed,
            "iterations": len(rewards),
            "overrides": {},
            "stack": stack,
            "versions": {"python": "3.11.7", "ray": release.split("-")[1], "numpy": "2.4.6"},
            "source": "0123456789abcdef",
            "platform": {"machine": "x86_64", "threads": 1},
            "backend": backend,
            "environment": {"id": "CartPole-v1", "wrappers": []},
            "config": {"lr": 5e-05, "model": {"fcnet_hiddens": [256, 256]}, "seed": seed},
            "parameters": 134915,
            "episodes": episodes,
            "steps": [4000] * len(rewards),
            "reported": list(rewards),
            "trace": tracer.trace(),
            "cost": {
                "startup": [1.0, 1.0],
                "iterations": [[2.0, 2.0]] * len(rewards),
                "peak_mib": 400,
                "trace": 0.1,
            },
        }
    )


def weights(seed, number):
    """Return small {layer group: arrays}."""
    return {"policy": [np.full((2, 3), seed + number)], "value": [np.full(2, seed - number)]}


def train(spec):
    """Stand in for the function that trains, and do what ``spec.overrides["do"]`` says.

    ``log`` names a file that gets a line for each call: the seed and the process's id.
    """
    with open(spec.overrides["log"], "a") as log:
        log.write(f"{spec.seed} {os.getpid()}\n")
    do = spec.overrides.get("do")
    if do == "crash":
        print("this is what the log says last")
        raise RuntimeError("out of luck")
    if do == "exit 255":
        os._exit(255)
    if do == "no disk":
        raise OSError(errno.ENOSPC, "no space left")
    if do == "kill":
        print("this it printed before")
        os.kill(os.getpid(), signal.SIGKILL)
    if do == "hang":
        child = os.fork()
        if child == 0:
            # A grandchild in the same session, as Ray's helpers are.
            time.sleep(600)
        with open(spec.overrides["log"], "a") as log:
            log.write(f"child {child}\n")
        time.sleep(600)
    if do == "slow":
        time.sleep(1)
    return trained(spec)


def trained(spec):
    """Return a record of a spec as if it had been trained here."""
    rewards = [20.0 * number for number in range(1, spec.iterations + 1)]
    record = make(spec.seed, rewards, spec.variant, installed.stack_name(spec.backend))
    return {
        **record,
        **spec.identity(),
        "versions": installed.versions(*BACKENDS[spec.backend].distributions),
        "source": installed.source(),
        "platform": host.platform(),
    }


def stored(record):
    """Return a record as a store's file holds it."""
    return {"made_of": {"files": "0", "digest": "0"}, "record": record}
