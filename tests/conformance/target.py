"""One road of a differential test: to a member itself, or to a proxy in front of one."""

import json
import pathlib
import sys
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import cluster  # noqa: E402
from transcript import Names, Transcript  # noqa: E402


class Target:
    """Where a session goes, and what it wrote down there."""

    def __init__(self, etcd, endpoint, proxied, directory, tls=None, skip=()):
        self.etcd = etcd
        self.endpoint = endpoint  # host:port
        self.port = int(endpoint.rpartition(":")[2])
        self.tls = tls  # the client's certificates.Certificates, if `endpoint` wants some
        self.url = f"{'https' if tls else 'http'}://{endpoint}"
        self.proxied = proxied
        # Etcd has dropped /v3alpha, which ours serve: there its answers must be those of /v3.
        self.serves_v3alpha = proxied or etcd.kind == cluster.OURS
        self.skip = frozenset(skip)  # names of parts of the session
        self.revisions_apart = False  # a watcher may be told several revisions in one response
        self.directory = pathlib.Path(directory)  # scratch files of the session
        self.directory.mkdir(parents=True, exist_ok=True)
        self.names = Names()
        self.transcript = Transcript(self.names)
        self._learn_cluster()

    def _learn_cluster(self):
        answer = self._ask(self.etcd.members[0], "/v3/cluster/member/list")
        single = len(answer["members"]) == 1
        self.first_member_id = next(member["ID"] for member in answer["members"] if member["name"] == "m0")
        self.names.learn_id("cluster", answer["header"]["cluster_id"])
        for member in answer["members"]:
            # The proxy may ask any member, so which one answered is not compared where there are several.
            self.names.learn_id(f"member {member['name']}" if single else "a member", member["ID"])
            self.names.learn(f"client url {member['name']}", *member["clientURLs"])
            self.names.learn(f"peer url {member['name']}", *member["peerURLs"])
        for member in self.etcd.members:
            self.names.learn("endpoint", member.endpoint)
        self.names.learn("endpoint url", self.url)
        self.names.learn("endpoint", self.endpoint)
        if not self.proxied:  # here the endpoint is a member's, and the member's name for it is the better one
            self.names.learn("client url m0", self.etcd.members[0].client_url)

    def settle(self):
        """With several members: waits until all have applied the same, so that an answer does not depend on which one
        the proxy asks."""
        if self.etcd.size == 1:
            return

        def all_alike():
            states = [self._ask(member, "/v3/maintenance/status") for member in self.etcd.members]
            return min(int(state["raftAppliedIndex"]) for state in states) == max(int(state["raftIndex"])
                                                                                 for state in states)
        cluster.wait_for(all_alike, "the members to be alike")

    def _ask(self, member, path):
        """An answer of a member itself, never through the proxy."""
        handlers = [urllib.request.ProxyHandler({})]
        if self.etcd.tls:
            handlers.append(urllib.request.HTTPSHandler(context=self.etcd.tls.client_context()))
        request = urllib.request.Request(member.client_url + path, b"{}", method="POST")
        with urllib.request.build_opener(*handlers).open(request, timeout=10) as answer:
            return json.loads(answer.read())

    def record(self, step, outcome):
        self.transcript.record(step, outcome)

    def wants(self, part):
        """Whether a part of a session, a function, is to run; its name with dashes is what --skip names."""
        return part.__name__.replace("_", "-") not in self.skip


def flatten_events(responses, events_field="events"):
    """All events of a watch in order: how many of them share one response depends on timing alone."""
    return [event for response in responses for event in response.get(events_field) or []]
