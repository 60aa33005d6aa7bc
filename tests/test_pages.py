"""The page's own responses: what is kept by browsers, what they may load, who may frame it."""

import gzip
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api import create_app
from api.config import ServerSettings
from assistant.config import Settings
from assistant.errors import SettingInvalid

WEB = Path(__file__).parents[1] / "api" / "web"


def client(tmp_path: Path, frame_ancestors: str = "'self'") -> TestClient:
    # Without its lifespan the application opens no index: the page is there before it.
    return TestClient(create_app(Settings(home=tmp_path), ServerSettings(frame_ancestors=frame_ancestors)))


def policy(response_headers: object) -> dict[str, str]:
    text = response_headers["content-security-policy"]  # type: ignore[index]
    return dict(part.split(" ", 1) for part in text.split("; "))


@pytest.mark.parametrize("path", ["/", "/lectures/docker-on-aws"])
def test_a_page_may_run_only_what_is_its_own(tmp_path: Path, path: str) -> None:
    response = client(tmp_path).get(path)
    assert response.status_code == 200
    allowed = policy(response.headers)
    assert allowed["default-src"] == "'none'"
    assert allowed["script-src"] == allowed["style-src"] == allowed["connect-src"] == "'self'"
    assert allowed["frame-ancestors"] == "'self'"
    assert "unsafe" not in response.headers["content-security-policy"]
    assert "x-frame-options" not in response.headers
    assert response.headers["x-content-type-options"] == "nosniff"


def test_no_page_needs_what_the_policy_refuses() -> None:
    for file in WEB.glob("*.html"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text), file
        # Under any prefix: no address begins at the root or at another site.
        assert not re.search(r"(?:href|src)=\"(?:/|\w+:)", text), file


def test_who_may_frame_it_is_a_setting(tmp_path: Path) -> None:
    response = client(tmp_path, "'self' https://lms.example").get("/")
    assert policy(response.headers)["frame-ancestors"] == "'self' https://lms.example"


@pytest.mark.parametrize("wrong", ["https://a.example; script-src *", "https://a.example,x", "", "a\nb"])
def test_that_setting_can_loosen_nothing_else(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(SettingInvalid, match="FRAME_ANCESTORS"):
        client(tmp_path, wrong)


def test_a_part_is_fetched_once_and_a_page_asked_for_again(tmp_path: Path) -> None:
    browser = client(tmp_path)
    page = browser.get("/")
    assert page.headers["cache-control"] == "no-cache"
    script = re.search(r'src="(web/\w+/ask\.js)"', page.text)
    assert script is not None
    part = browser.get(f"/{script[1]}")
    assert part.content == (WEB / "ask.js").read_bytes()
    assert part.headers["content-type"] == "text/javascript; charset=utf-8"
    assert part.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert browser.get("/web/an-older-one/ask.js").headers["cache-control"] == "no-cache"
    assert browser.head("/").headers["etag"] == page.headers["etag"]
    again = browser.get("/", headers={"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert browser.get("/", headers={"if-none-match": '"other"'}).status_code == 200


def test_parts_are_sent_compressed_to_those_who_can_read_it(tmp_path: Path) -> None:
    with client(tmp_path).stream("GET", "/web/x/page.css", headers={"accept-encoding": "gzip"}) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(b"".join(packed.iter_raw())) == (WEB / "page.css").read_bytes()
    plain = client(tmp_path).get("/web/x/page.css", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", ["/web/x/nothing.js", "/web/x/..%2f..%2fapp.py", "/web/x/app.py"])
def test_nothing_else_is_served(tmp_path: Path, path: str) -> None:
    response = client(tmp_path).get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_every_module_that_is_needed_is_loaded_at_once() -> None:
    """A page names all its modules, so that a browser need not find them one after the other."""
    imported = {f.name: set(re.findall(r'from "\./(\w+\.js)"', f.read_text())) for f in WEB.glob("*.js")}
    for page in ("ask", "lecture"):
        wanted, waiting = set(), [f"{page}.js"]
        while waiting:
            new = imported[waiting.pop()] - wanted
            wanted |= new
            waiting += new
        text = (WEB / f"{page}.html").read_text(encoding="utf-8")
        assert set(re.findall(r'rel="modulepreload" href="[^"]*/(\w+\.js)"', text)) == wanted
