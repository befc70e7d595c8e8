"""The proxy, as a real nginx before a stand-in for the application."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from bin.groups import free_port
from tests.support.product import wait_for

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy" / "nginx"
SIGNED_IN = {"Cookie": "timbre_session_8000=x"}
POLICY = "sandbox; default-src 'none'; media-src 'self'"


@dataclass
class Site:
    """What the application would see and say."""

    folder: Path
    port: int
    url: str = ""
    https_url: str = ""
    requests: list[tuple[str, str, dict[str, str], int]] = field(default_factory=list)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path, 0)

    class Application(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            site.requests.append((self.command, self.path, dict(self.headers), len(body)))
            self.send_response(200)
            self.send_header("Content-Type", "audio/flac")
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("X-Content-Type-Options", "nosniff")
            if self.path == "/file":
                self.send_header("Content-Disposition", 'attachment; filename="a.flac"')
                self.send_header("X-Accel-Redirect", "/protected/conversions/a/source")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    site.port = server.server_port
    yield site
    server.shutdown()
    server.server_close()


def nginx_program() -> str:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("nginx is not installed")
    return found


def configure(site: Site, kind: str) -> list[str]:
    """The files as they are, with the places of a container exchanged for ours. Returns the command."""
    folder = site.folder / "nginx"
    folder.mkdir()
    http_port, https_port = free_port(), free_port()
    site.url, site.https_url = f"http://127.0.0.1:{http_port}", f"https://127.0.0.1:{https_port}"
    places = {
        "/etc/nginx/timbre/": f"{folder}/",
        "/etc/nginx/certificates/": f"{folder}/",
        "/var/cache/nginx/": f"{folder}/",
        "/tmp/": f"{folder}/",
        "/data/media/": f"{site.folder}/media/",
        "server web:8000": f"server 127.0.0.1:{site.port}",
        "listen 8080": f"listen 127.0.0.1:{http_port}",
        "listen 8443": f"listen 127.0.0.1:{https_port}",
    }
    for source in CONFIGURATION.glob("*.conf"):
        text = source.read_text()
        text = re.sub("|".join(map(re.escape, places)), lambda found: places[found[0]], text)
        if source.name == "nginx.conf" and os.geteuid() == 0:
            text = f"user root;\n{text}"
        target = "server.conf" if source.name == f"{kind}.conf" else source.name
        (folder / target).write_text(text)
    return [nginx_program(), "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", "stderr", "-g", "daemon off;"]


def make_certificate(folder: Path) -> None:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
    ).sign(key, hashes.SHA256())
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@contextlib.contextmanager
def running(command: list[str], url: str) -> Iterator[None]:
    checked = subprocess.run([*command[:-2], "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr, checked.stderr
    process = subprocess.Popen(command)
    try:
        port = int(url.rsplit(":", 1)[1])
        wait_for(lambda: listens(process, port), "nginx listens")
        yield
    finally:
        process.terminate()
        process.wait()


def listens(process: subprocess.Popen[bytes], port: int) -> bool:
    assert process.poll() is None
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@pytest.fixture
def proxy(site: Site) -> Iterator[Site]:
    with running(configure(site, "http"), site.url):
        yield site


def test_the_application_learns_who_asked_for_what(proxy: Site) -> None:
    answer = httpx.get(f"{proxy.url}/page", headers={"X-Forwarded-Host": "evil.example.com"})
    assert answer.status_code == 200
    _, path, headers, _ = proxy.requests[0]
    assert path == "/page"
    assert headers["X-Forwarded-Host"] == proxy.url.removeprefix("http://")
    assert headers["X-Forwarded-Proto"] == "http"
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    httpx.get(f"{proxy.url}/page", headers={"X-Forwarded-Proto": "https"})
    assert proxy.requests[1][2]["X-Forwarded-Proto"] == "https"


def test_a_file_is_handed_out_with_ranges_and_the_applications_headers(proxy: Site) -> None:
    stored = proxy.folder / "media" / "conversions" / "a"
    stored.mkdir(parents=True, mode=0o700)
    (stored / "source").write_bytes(bytes(range(256)) * 100)
    answer = httpx.get(f"{proxy.url}/file", headers={"Range": "bytes=256-299"})
    assert (answer.status_code, answer.content) == (206, bytes(range(44)))
    assert answer.headers["Content-Range"] == "bytes 256-299/25600"
    assert answer.headers["Content-Type"] == "audio/flac"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a.flac"'
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_nobody_outside_can_ask_for_a_stored_file(proxy: Site) -> None:
    (proxy.folder / "media").mkdir()
    (proxy.folder / "media" / "source").write_bytes(b"private")
    for path in ("/protected/source", "/protected/../protected/source", "//protected/source"):
        assert b"private" not in httpx.get(f"{proxy.url}{path}").content


def test_a_slow_upload_reaches_the_application_when_it_is_whole(proxy: Site) -> None:
    body = b"x" * 2_000_000
    host, port = proxy.url.removeprefix("http://").split(":")
    head = f"POST / HTTP/1.1\r\nHost: a\r\nCookie: {SIGNED_IN['Cookie']}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + body[:1_000_000])
        time.sleep(0.5)
        assert proxy.requests == []
        connection.sendall(body[1_000_000:])
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
    assert proxy.requests[0][3] == len(body)


def test_a_strangers_large_upload_never_gets_to_disk_or_application(proxy: Site) -> None:
    large = b"x" * 200_000
    assert httpx.post(f"{proxy.url}/", content=large).status_code == 401
    assert httpx.post(f"{proxy.url}/", content=iter([large])).status_code == 401
    assert proxy.requests == []
    assert httpx.post(f"{proxy.url}/accounts/login/", content=b"name and password").status_code == 200
    assert httpx.post(f"{proxy.url}/", content=large, headers=SIGNED_IN).status_code == 200
    assert httpx.post(f"{proxy.url}/v1/x", content=large, headers={"xi-api-key": "k"}).status_code == 200


def test_an_upload_beyond_the_limit_is_refused_by_its_length(proxy: Site) -> None:
    host, port = proxy.url.removeprefix("http://").split(":")
    head = f"POST / HTTP/1.1\r\nHost: a\r\nCookie: {SIGNED_IN['Cookie']}\r\nContent-Length: {3 * 1024**3}\r\n\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_https_is_spoken_and_http_leads_there(site: Site) -> None:
    command = configure(site, "https")
    make_certificate(site.folder / "nginx")
    with running(command, site.https_url):
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        assert httpx.get(f"{site.https_url}/page", verify=trusting).status_code == 200
        assert site.requests[0][2]["X-Forwarded-Proto"] == "https"
        moved = httpx.get(f"{site.url}/page?x=1", headers={"Host": "timbre.example.com"})
        assert (moved.status_code, moved.headers["Location"]) == (308, "https://timbre.example.com/page?x=1")
        assert httpx.get(f"{site.url}/healthz/proxy").status_code == 204
