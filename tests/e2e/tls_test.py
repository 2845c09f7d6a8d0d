#!/usr/bin/env python3
"""TLS on both sides of the proxy, with stock clients and a stock member.    tls_test.py [--proxy PROGRAM] [TEST]"""

import contextlib
import os
import shutil
import socket
import ssl
import unittest

import support
from support import Case, curl, etcdctl, wait_for

import certificates
import cluster


def setUpModule():
    Tls.certificates = certificates.make(support.WORK / "certificates")
    Tls.etcd = cluster.EtcdCluster(1, support.WORK / "etcd").start()
    unittest.addModuleCleanup(Tls.etcd.stop)


class Tls(Case):
    etcd = None
    certificates = None

    def server_flags(self):
        return [f"--cert-file={self.certificates.cert}", f"--key-file={self.certificates.key}"]

    def check_serves(self, port, *client):
        """/health over HTTP/1.1 and HTTP/2."""
        for version, shown in (("--http1.1", "1.1 200"), ("--http2", "2 200")):
            code, status, body, err = curl(version, *client, f"https://127.0.0.1:{port}/health")
            self.assertEqual((code, status, body), (0, shown, '{"health":"true","reason":""}'), err)

    def handshake(self, port, cafile=None, **limits):
        """A connected TLS socket; raises ssl.SSLError when the proxy refuses."""
        context = ssl.create_default_context(cafile=cafile or self.certificates.ca)
        for name, value in limits.items():
            setattr(context, name, value)
        self.addCleanup((raw := support.connect(port)).close)
        secure = context.wrap_socket(raw, server_hostname="127.0.0.1")
        self.addCleanup(secure.close)
        return secure

    def test_clients_over_tls(self):
        proxy = self.proxy(self.etcd.endpoints, *self.server_flags())
        ca = self.certificates.ca
        self.check_serves(proxy.port, "--cacert", ca)
        url = f"https://127.0.0.1:{proxy.port}"
        for word in (["put", "tls", "1"], ["get", "tls", "--print-value-only"]):
            code, out, err = etcdctl(url, "--cacert", ca, *word)
            self.assertEqual(code, 0, err)
        self.assertEqual(out, "1\n")
        with self.subTest("a client that does not know the authority goes away, and is told of in the log"):
            self.assertEqual(curl(url + "/health")[0], 60)
            self.assert_logs(proxy, "rejected connection on client endpoint")

    def test_mutual_tls(self):
        made = self.certificates
        proxy = self.proxy(self.etcd.endpoints, *self.server_flags(), f"--trusted-ca-file={made.ca}")
        credentials = ["--cacert", made.ca, "--cert", made.cert, "--key", made.key]
        self.check_serves(proxy.port, *credentials)
        url = f"https://127.0.0.1:{proxy.port}"
        code, out, err = etcdctl(url, *credentials, "put", "mutual", "1")
        self.assertEqual((code, out), (0, "OK\n"), err)

        with self.subTest("without a certificate"):
            code, _, body, _ = curl("--cacert", made.ca, url + "/health")
            self.assertNotEqual(code, 0, body)
            line = self.assert_logs(proxy, "rejected connection on client endpoint")
            self.assertIn('"remote-addr":"127.0.0.1:', line)
            self.assertIn("certificate", line)
        with self.subTest("with a certificate of another authority"):
            other = certificates.make(self.scratch())
            code, _, body, _ = curl("--cacert", made.ca, "--cert", other.cert, "--key", other.key, url + "/health")
            self.assertNotEqual(code, 0, body)
        self.check_serves(proxy.port, *credentials)
        code, _, samples, err = curl(*credentials, url + "/proxy/metrics")
        self.assertIn("gatehouse_proxy_client_handshake_failures_total 2\n", samples, err)

    def test_plain_http_on_the_tls_port(self):
        proxy = self.proxy(self.etcd.endpoints, *self.server_flags())
        code, status, body, err = curl(f"http://127.0.0.1:{proxy.port}/health")
        self.assertEqual((code, status), (0, "1 400"), err)
        self.assertEqual(body.strip(), "Client sent an HTTP request to an HTTPS server.")
        self.check_serves(proxy.port, "--cacert", self.certificates.ca)

    def test_tls_on_the_plain_port(self):
        proxy = self.proxy(self.etcd.endpoints)
        self.assertEqual(curl("--insecure", f"https://127.0.0.1:{proxy.port}/health")[0], 35)
        self.assertEqual(curl(f"{proxy.url}/health")[1], "1.1 200")

    def test_unix_listener(self):
        path = self.scratch() / "proxy.sock"
        proxy = self.serving(support.PROXY, "--endpoints", self.etcd.endpoints[0], "--listen-addr", f"unix://{path}")
        for version, shown in (("--http1.1", "1.1 200"), ("--http2-prior-knowledge", "2 200")):
            code, status, body, err = curl(version, "--unix-socket", path, "http://localhost/health")
            self.assertEqual((code, status), (0, shown), err)
        self.assertEqual(proxy.stop(), 0)
        self.assertFalse(path.exists(), "the socket file stays after the end")

    def test_auto_tls(self):
        data = self.scratch()
        proxy = self.proxy(self.etcd.endpoints, "--auto-tls", f"--data-dir={data}")
        self.check_serves(proxy.port, "--insecure")
        files = {file.name: file for file in data.rglob("*.pem")}
        self.assertEqual(set(files), {"cert.pem", "key.pem"})
        self.assertEqual(files["key.pem"].stat().st_mode & 0o077, 0, "others may read the key")
        with self.subTest("the certificate names the address"):
            self.check_serves(proxy.port, "--cacert", files["cert.pem"])

    def test_members_behind_tls(self):
        made = self.certificates
        with cluster.EtcdCluster(1, self.scratch(), tls=made) as etcd:
            proxy = self.proxy([member.client_url for member in etcd.members], f"--cacert={made.ca}", f"--cert={made.cert}",
                               f"--key={made.key}")
            self.assertEqual(support.put(proxy.port, "k", "v")[0], 200)
            for path in ("/health", "/metrics", "/version"):
                status, body = cluster.http_get(proxy.port, path)
                self.assertEqual(status, 200, (path, body))
            with self.subTest("a member whose authority is not known is not served by"):
                other = certificates.make(self.scratch())
                stranger = self.proxy(etcd.endpoints, f"--cacert={other.ca}", f"--cert={made.cert}", f"--key={made.key}")
                status, answer = support.get(stranger.port, "k")
                self.assertEqual((status, answer["code"]), (503, 14), answer)
                self.assertIn("certificate", answer["message"])
            with self.subTest("--insecure-skip-tls-verify"):
                lax = self.proxy(etcd.endpoints, "--insecure-skip-tls-verify", f"--cert={made.cert}", f"--key={made.key}")
                self.assertEqual(support.get(lax.port, "k")[0], 200)

    def test_certificate_replaced_on_disk(self):
        files = self.scratch()
        mine = certificates.make(files)
        fresh = certificates.make(self.scratch())
        proxy = self.proxy(self.etcd.endpoints, f"--cert-file={mine.cert}", f"--key-file={mine.key}")
        url = f"https://127.0.0.1:{proxy.port}/livez"
        self.assertEqual(curl("--cacert", mine.ca, url)[0], 0)
        with socket.create_connection(("127.0.0.1", proxy.port), 20) as raw, \
                ssl.create_default_context(cafile=mine.ca).wrap_socket(raw, server_hostname="127.0.0.1") as kept:
            self.ask(kept)
            with self.subTest("a broken file: the old certificate stays"):
                mine.cert.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n")
                line = self.assert_logs(proxy, "certificate files changed and cannot be loaded")
                self.assertIn(str(mine.cert), line)
                self.assertEqual(curl("--cacert", mine.ca, url)[0], 0)
            with self.subTest("a good pair: served to who comes next, without a restart"):
                for source, target in ((fresh.key, mine.key), (fresh.cert, mine.cert)):
                    shutil.copy(source, f"{target}.new")
                    os.replace(f"{target}.new", target)
                self.assert_logs(proxy, "certificate files changed and were loaded")
                wait_for(lambda: curl("--cacert", fresh.ca, url)[0] == 0, "the new certificate", 10)
                self.assertEqual(curl("--cacert", mine.ca, url)[0], 60)
            with self.subTest("connections of before go on"):
                self.ask(kept)

    def ask(self, secure):
        secure.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = secure.recv(65536)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200"), answer)

    def test_lowest_and_highest_version(self):
        lowest = self.proxy(self.etcd.endpoints, *self.server_flags(), "--tls-min-version=TLS1.2",
                            "--tls-max-version=TLS1.2")
        self.assertEqual(self.handshake(lowest.port).version(), "TLSv1.2")
        old = {"minimum_version": ssl.TLSVersion.TLSv1, "maximum_version": ssl.TLSVersion.TLSv1_1}
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.handshake(lowest.port, **old)
        code, status, _, err = curl("--cacert", self.certificates.ca, f"https://127.0.0.1:{lowest.port}/livez")
        self.assertEqual((code, status), (0, "2 200"), err)

    def test_min_version_13(self):
        """TLS 1.3 is served, or refused at the start where the TLS library has none; never silently something lower."""
        proxy = self.daemon(support.PROXY, "grpc-proxy", "start", f"--endpoints={self.etcd.endpoints[0]}",
                            f"--listen-addr=127.0.0.1:{(port := cluster.free_port())}", *self.server_flags(),
                            "--tls-min-version=TLS1.3")
        wait_for(lambda: not proxy.alive() or cluster.Proxy.READY in proxy.log(), "the proxy to serve or end")
        if not proxy.alive():
            self.assertEqual(proxy.process.returncode, 1)
            self.assertIn("TLS1.3", proxy.log())
            return
        self.assertEqual(self.handshake(port).version(), "TLSv1.3")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.handshake(port, maximum_version=ssl.TLSVersion.TLSv1_2)

    def test_cipher_suites(self):
        name = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
        proxy = self.proxy(self.etcd.endpoints, *self.server_flags(), f"--listen-cipher-suites={name}",
                           "--tls-max-version=TLS1.2")
        self.assertEqual(self.handshake(proxy.port).cipher()[0], "ECDHE-ECDSA-AES256-GCM-SHA384")
        self.check_serves(proxy.port, "--cacert", self.certificates.ca)
        with self.subTest("a name that is none"):
            code, _, err = support.command(support.PROXY, "grpc-proxy", "start", f"--endpoints={self.etcd.endpoints[0]}",
                                           f"--listen-addr=127.0.0.1:{cluster.free_port()}", *self.server_flags(),
                                           "--listen-cipher-suites=TLS_NO_SUCH_SUITE")
            self.assertEqual(code, 1, err)
            self.assertIn("TLS_NO_SUCH_SUITE", err)

    def test_a_silent_client_is_cut_off(self):
        """A connection to the TLS port that never says hello does not live for ever."""
        proxy = self.proxy(self.etcd.endpoints, *self.server_flags())
        with contextlib.closing(support.connect(proxy.port, 25)) as silent:
            began = support.monotonic()
            self.assertEqual(support.read_all(silent), b"")
            self.assertLess(support.monotonic() - began, 20)
        self.check_serves(proxy.port, "--cacert", self.certificates.ca)


if __name__ == "__main__":
    support.main()
