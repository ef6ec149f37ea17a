"""The second port: an authority that stays, a certificate for this machine's own names, a port that is found again."""

import socket
import ssl
import threading
from pathlib import Path

import pytest

from localorg.server import doors, tls
from localorg.server.state import LocalorgError, StateDirectory


def handshake(certificates: tls.Certificates, name: str) -> str:
    """Shake hands as a client that trusts the authority; return the name that the server proved."""
    server, client = socket.socketpair()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificates.server, certificates.key)

    def serve() -> None:
        with server:
            try:
                serving.wrap_socket(server, server_side=True).close()
            except OSError:
                server.close()

    thread = threading.Thread(target=serve)
    thread.start()
    trusting = ssl.create_default_context(cafile=str(certificates.authority))
    try:
        with trusting.wrap_socket(client, server_hostname=name) as secured:
            return str(secured.version())
    finally:
        client.close()
        thread.join(10)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "my-bucket.s3.localhost"])
def test_a_client_that_trusts_the_authority_is_satisfied(tmp_path: Path, name: str) -> None:
    """The certificate is good for the names by which the server is called, and for TLS 1.2 and newer."""
    assert handshake(tls.prepare(tmp_path / "tls"), name).startswith("TLSv1.")


def test_no_other_name_is_vouched_for(tmp_path: Path) -> None:
    """A certificate of this machine says nothing about others."""
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tls.prepare(tmp_path / "tls"), "example.com")


def test_the_authority_is_made_once_and_its_key_is_nobody_elses(tmp_path: Path) -> None:
    """What a client was told to trust stays; private keys can be read by their owner only."""
    first = tls.prepare(tmp_path / "tls")
    authority, server = first.authority.read_bytes(), first.server.read_bytes()
    second = tls.prepare(tmp_path / "tls")
    assert second.authority.read_bytes() == authority
    assert second.server.read_bytes() != server
    for name in ("ca.key", "server.key"):
        assert (tmp_path / "tls" / name).stat().st_mode & 0o077 == 0


def test_the_port_of_the_last_time_is_taken_again(tmp_path: Path) -> None:
    """Without --tls-port the first start takes a free port, and later ones take that one, or another when it is gone."""
    state = StateDirectory(tmp_path / "state")
    state.create()
    first = doors.bind(0, 0, state)
    address = first.addresses.tls_endpoint
    taken = doors.bind(0, 0, state)
    other = taken.addresses.tls_endpoint
    assert other != address
    for each in (first, taken):
        each.plain.close()
        each.secure.close()
    again = doors.bind(0, 0, state)
    assert again.addresses.tls_endpoint == other
    with pytest.raises(LocalorgError, match="Give --tls-port another"):
        doors.bind(0, again.secure.getsockname()[1], state)
    again.plain.close()
    again.secure.close()
