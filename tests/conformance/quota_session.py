"""A store that is filled up to its quota (grpc_client/quota.cc)."""

import grpc_session

CLIENT = None  # the program; run.py sets it from --client
SERVER_FLAGS = ["--quota-backend-bytes=16777216"]


def run(target):
    grpc_session.CLIENT = CLIENT
    grpc_session.run_client(target, "--only=quota", tidy=FromWhenFull())


class FromWhenFull:
    """How many writes fit is the store's affair, so revisions after that are compared by their distance to it."""

    def __init__(self):
        self.full = None

    def __call__(self, step, outcome):
        if step == "the revision when full":
            self.full = int(outcome["value"])
            return None
        return outcome if self.full is None else self._shifted(outcome)

    def _shifted(self, value, field=""):
        if isinstance(value, dict):
            return {key: self._shifted(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self._shifted(item) for item in value]
        if field == "revision" and int(value) >= self.full:
            return f"full+{int(value) - self.full}"
        return value
