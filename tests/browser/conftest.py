"""A real server over a real index, a proxy before it as schools have them, and one browser for all tests."""

import http.client
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from assistant.config import Settings
from assistant.indexing import index_paths

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PREFIX = "/tools/lectures"
TIMED = """\
1
00:00:01,000 --> 00:00:04,500
Ships carry 🐳🐳 whales of cargo.

2
00:01:05,000 --> 00:01:09,000
A pod is the smallest unit of Kubernetes.

3
00:01:09,000 --> 00:01:12,000
It holds one or more containers.
"""
ARABIC = """\
1
00:00:02,000 --> 00:00:06,000
الحاوية هي وحدة برمجية تجمع الكود وكل ما يحتاجه.

2
00:00:06,000 --> 00:00:09,000
تعمل الحاوية بالطريقة نفسها على أي جهاز.
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the session: while Playwright runs, no other test of this thread can start an event loop."""
    if CHROMIUM is None:
        pytest.skip("no chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh profile. No test passes while a script fails or the policy of the page stops something."""
    complaints: list[str] = []
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if "Security" in said.text else None)
        yield page
    assert complaints == []


@pytest.fixture(scope="session")
def web_home(indexed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped lecture, one with times, a recording and characters of two units, and an Arabic one."""
    folder = tmp_path_factory.mktemp("web")
    home = folder / "home"
    shutil.copytree(indexed_home, home)
    for name, language, url, text in (
        ("pods", "en", "https://video.example/w?t={seconds}", TIMED),
        ("arabic", "ar", "https://www.youtube.com/watch?v=abcdefghijk", ARABIC),
    ):
        lecture = folder / "more" / name
        lecture.mkdir(parents=True)
        (lecture / "transcript.srt").write_text(text, encoding="utf-8")
        (lecture / "lecture.toml").write_text(
            f'title = "{name}"\nlanguage = "{language}"\nurl = "{url}"\n', encoding="utf-8"
        )
    index_paths([folder / "more"], Settings(home=home), lambda *_: None)
    return home


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """The address of a server process over ``home``, ending in a slash."""
    process = subprocess.Popen(
        [sys.executable, "-m", "assistant", "--home", str(home), "serve", "--port", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    base = next((line.split()[2] for line in process.stderr if "serving on" in line), None)
    assert base is not None, "the server did not start"
    # Its log must be read, or the pipe fills and the server stops.
    log = threading.Thread(target=process.stderr.read)
    log.start()
    while httpx.get(f"{base}/readyz").status_code != 200:
        pass
    yield f"{base}/"
    process.terminate()
    assert process.wait(timeout=20) in (0, -15, 143)
    log.join()
    process.stderr.close()


@pytest.fixture(scope="module")
def site(browser: Browser, web_home: Path) -> Iterator[str]:
    with serving(web_home) as address:
        yield address


@dataclass
class Proxy:
    """A proxy that serves the site under a prefix, slowly or not at all when told to."""

    address: str
    lets_through: threading.Event = field(default_factory=threading.Event)
    broken: bool = False
    opening: bool = False
    """As a server answers that has not opened its index yet."""

    @property
    def page(self) -> str:
        return f"{self.address}{PREFIX}/"


@pytest.fixture(scope="module")
def _proxy(site: str) -> Iterator[Proxy]:
    behind = httpx.URL(site)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/course.html":
                body = f'<title>Course</title><iframe src="{PREFIX}/" width="600" height="700"></iframe>'
                self._send(200, "text/html", body.encode())
            else:
                self._forward()

        def do_POST(self) -> None:
            if proxy.broken:
                self._send(502, "text/plain", b"bad gateway")
            else:
                self._forward()

        def _send(self, status: int, media_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", media_type)
            self.end_headers()
            self.wfile.write(body)

        def _forward(self) -> None:
            asked = self.path.removeprefix(PREFIX)
            if proxy.opening and asked.startswith("/v1/"):
                self.rfile.read(int(self.headers.get("content-length", 0)))
                problem = b'{"type": "urn:lecture-assistant:problem:not-ready", "detail": "being opened"}'
                self._send(503, "application/problem+json", problem)
                return
            if asked == self.path:
                self._send(404, "text/plain", b"only what is under the prefix")
                return
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if asked == "/v1/ask":
                proxy.lets_through.wait(20)
            with closing(http.client.HTTPConnection(behind.host, behind.port or 80)) as connection:
                connection.request(self.command, asked, body or None, dict(self.headers))
                answer = connection.getresponse()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() != "transfer-encoding":
                        self.send_header(name, value)
                self.end_headers()
                while piece := answer.read1():
                    self.wfile.write(piece)

        def log_message(self, *_: object) -> None:
            """Nothing: pytest shows what failed."""

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                return  # the learner pressed stop

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy = Proxy(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield proxy
    server.shutdown()
    server.server_close()


@pytest.fixture
def proxy(_proxy: Proxy) -> Iterator[Proxy]:
    _proxy.lets_through.set()
    _proxy.broken = _proxy.opening = False
    yield _proxy
    _proxy.lets_through.set()
