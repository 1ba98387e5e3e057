"""TLS to the broker and to PostgreSQL: a certificate is verified by every client, or refused.

The servers here only shake hands: whether a client accepts their certificate is all that is asked.
"""

import asyncio
import ssl
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_server

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from flower.utils.broker import Broker
from kombu import Connection

from config.setting_validators import postgres_url, redis_url
from domain.errors import ArrearsError
from workers.db.engine import assert_reachable, connect
from workers.messaging.broker import assert_broker_reachable, tls_options

SSL_REQUEST = struct.pack("!II", 8, 80877103)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of `localhost`, which is its own authority, with its key beside it."""
    return new_certificate(tmp_path_factory.mktemp("tls") / "server.pem")


@pytest.fixture(scope="module")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_certificate(tmp_path_factory.mktemp("tls") / "other.pem")


def new_certificate(file: Path) -> Path:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return file


@contextmanager
def shaking_hands(
    certificate: Path, *, for_postgres: bool = False
) -> Iterator[tuple[int, list[bool]]]:
    """A server's port, and of each connection whether the client took the certificate."""
    taken = list[bool]()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                if for_postgres:
                    assert connection.recv(8) == SSL_REQUEST
                    connection.sendall(b"S")
                try:
                    with context.wrap_socket(connection, server_side=True) as encrypted:
                        # With TLS 1.3 what the client thinks of it is known when it writes or ends.
                        taken.append(bool(encrypted.recv(1)))
                except OSError:
                    taken.append(False)

    with create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        done = pool.submit(serve)
        try:
            yield server.getsockname()[1], taken
        finally:
            server.shutdown(2)
            done.result(timeout=5)


def ask_with_redis(url: str) -> None:
    with suppress(ArrearsError):
        assert_broker_reachable(url)


def ask_with_celery(url: str) -> None:
    with Connection(url) as connection, suppress(redis.ConnectionError):
        connection.transport.establish_connection()  # once: its other ways try again


def ask_with_flower(url: str) -> None:
    broker = Broker(url, broker_use_ssl=tls_options(url), broker_options={})
    with suppress(redis.ConnectionError):
        asyncio.run(broker.queues(["scan"]))


@pytest.mark.parametrize("ask", [ask_with_redis, ask_with_celery, ask_with_flower])
def test_every_client_verifies_the_certificate_of_the_broker(
    ask: Callable[[str], None],
    certificate: Path,
    other_authority: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without an option Celery's client took any certificate, and Flower's knew no authority."""
    monkeypatch.setattr("redis.retry.sleep", lambda _: None)
    for host, options, is_taken in (
        ("localhost", f"?ssl_ca_certs={certificate}", True),
        ("localhost", f"?ssl_ca_certs={other_authority}", False),
        ("127.0.0.1", f"?ssl_ca_certs={certificate}", False),  # not the host that it names
        ("localhost", "", False),
    ):
        with shaking_hands(certificate) as (port, taken):
            ask(redis_url(f"rediss://:hunter2@{host}:{port}/0{options}"))
        assert set(taken) == {is_taken}, (host, options)


def test_the_certificate_of_the_database_is_verified(
    certificate: Path, other_authority: Path
) -> None:
    with shaking_hands(certificate, for_postgres=True) as (port, taken):
        for host, authority, says in (
            ("localhost", certificate, "cannot be reached"),
            ("localhost", other_authority, "sslrootcert=/path/ca.pem"),
            ("127.0.0.1", certificate, "write the host that the certificate names"),
        ):
            options = f"sslmode=verify-full&sslrootcert={authority}"
            url = f"postgresql://u:hunter2@{host}:{port}/arrears?{options}"
            engine = connect(postgres_url(url))
            with pytest.raises(ArrearsError, match=says):
                assert_reachable(engine)
            engine.dispose()
    assert taken == [True, False, False]
