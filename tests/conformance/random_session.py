"""Requests drawn from a seed (grpc_client/random.cc), on a fresh store so that both end with the same bytes.

GATEHOUSE_SEED sets the seed, which is printed; else every run has its own.
"""

import os
import random

import grpc_session

CLIENT = None  # the program; run.py sets it from --client
OPERATIONS = 1500
SEED = os.environ.get("GATEHOUSE_SEED") or str(random.randrange(1 << 32))


def run(target):
    print(f"GATEHOUSE_SEED={SEED}", flush=True)
    grpc_session.CLIENT = CLIENT
    grpc_session.run_client(target, "--only=random", f"--seed={SEED}", f"--operations={OPERATIONS}")
