"""A certificate authority for one test, made with the openssl program."""

import dataclasses
import pathlib
import ssl
import subprocess


@dataclasses.dataclass(frozen=True)
class Certificates:
    """One certificate for loopback that serves as a server's and as a client's. It has no common name: etcd would take
    that for a user's."""

    ca: pathlib.Path
    cert: pathlib.Path
    key: pathlib.Path

    def client_context(self):
        context = ssl.create_default_context(cafile=self.ca)
        context.load_cert_chain(self.cert, self.key)
        return context


def make(directory):
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    made = Certificates(directory / "ca.pem", directory / "cert.pem", directory / "key.pem")
    ca_key, request, extensions = (directory / name for name in ("ca-key.pem", "request.pem", "extensions"))
    extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for command in (["req", "-x509", *new_key, "-keyout", ca_key, "-out", made.ca, "-days", "2", "-subj", "/CN=test authority"],
                    ["req", *new_key, "-keyout", made.key, "-out", request, "-subj", "/O=gatehouse"],
                    ["x509", "-req", "-in", request, "-CA", made.ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2",
                     "-extfile", extensions, "-out", made.cert]):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    return made
