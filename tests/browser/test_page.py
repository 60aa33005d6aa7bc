"""The page as a learner meets it: a real browser, a real server, a real index."""

import re
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from assistant.feedback import FeedbackStore
from assistant.keys import KeyStore

from .conftest import Proxy, serving

QUESTION = "Where do you store Docker images?"
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def ask(page: Page, question: str) -> Locator:
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    turn = page.locator("article").last
    expect(turn).to_have_attribute("data-state", "done")
    return turn


def contract(site: str, question: str, **more: object) -> dict[str, object]:
    answer: dict[str, object] = httpx.post(f"{site}v1/ask", json={"question": question, **more}).json()
    return answer


def violations(page: Page) -> list[tuple[str, str]]:
    found = Axe().run(page, options=AXE).response["violations"]
    return [(rule["id"], node["failureSummary"] + node["html"]) for rule in found for node in rule["nodes"]]


def marked(page: Page) -> str:
    return page.locator("mark").text_content() or ""


def test_a_chip_shows_the_quote_and_opens_the_lecture_at_exactly_its_words(page: Page, site: str) -> None:
    citation = contract(site, QUESTION)["citations"][0]  # type: ignore[index]
    page.goto(site)
    turn = ask(page, QUESTION)
    expect(turn.locator(".words")).to_contain_text(citation["quote"])
    expect(page.get_by_role("status")).to_contain_text(citation["quote"])
    chip = turn.get_by_role("link", name="Source 1", exact=True)
    chip.hover()
    expect(page.get_by_role("tooltip")).to_contain_text(citation["quote"])
    chip.click()
    expect(page.locator("mark")).to_have_count(1)
    assert marked(page) == citation["quote"]
    expect(page.locator("mark")).to_be_in_viewport(ratio=1)
    expect(page.locator("mark")).to_be_focused()
    assert page.url == site.rstrip("/") + citation["url"]
    # The address is the lecture's own: loaded afresh it shows the same words on a page of their own.
    page.reload()
    assert marked(page) == citation["quote"]
    expect(page.locator("mark")).to_be_in_viewport(ratio=1)
    page.go_back()
    expect(page.locator(".words")).to_contain_text(citation["quote"])


def test_characters_of_two_units_move_no_mark_and_the_times_are_the_quotes(page: Page, site: str) -> None:
    citation = contract(site, "Is a pod the smallest unit of Kubernetes?")["citations"][0]  # type: ignore[index]
    words = "A pod is the smallest unit of Kubernetes."
    start = citation["char_start"] + citation["quote"].index(words)
    page.goto(f"{site}lectures/{citation['lecture_id']}#c{start}-{start + len(words)}")
    expect(page.locator("mark")).to_have_text(words)
    assert marked(page) == words
    expect(page.locator(".bar")).to_contain_text("1:05–1:")
    play = page.get_by_role("link", name="Play from 1:05").last
    assert play.get_attribute("href") == "https://video.example/w?t=65"


def test_words_of_many_captions_stay_in_one_piece(page: Page, site: str) -> None:
    passage = contract(site, "What is the capital of France?")["nearest"][0]  # type: ignore[index]
    page.goto(f"{site}{passage['url'].lstrip('/')}")
    expect(page.locator("mark")).to_have_count(1)
    assert marked(page) == passage["quote"]
    assert page.locator(".paragraph").count() > 5


def test_a_follow_up_says_how_it_was_understood_and_a_reload_keeps_it_all(page: Page, site: str) -> None:
    page.goto(site)
    ask(page, "What is ECS?")
    turn = ask(page, "And what about EKS?")
    expect(turn.locator(".understood p")).to_have_text("Understood as What is EKS?")
    before = page.locator("#turns").inner_text()
    page.reload()
    expect(page.locator("article")).to_have_count(2)
    assert page.locator("#turns").inner_text() == before
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert "## And what about EKS?\n\n*Understood as: What is EKS?*\n\n" in text
    assert re.search(rf"1\. “.+” — \[.+\]\({re.escape(site)}lectures/docker-on-aws#c\d+-\d+\)", text)
    page.get_by_role("button", name="New conversation").click()
    expect(page.get_by_role("heading", name="Ask the lectures")).to_be_visible()


def test_what_was_misunderstood_can_be_asked_as_written(page: Page, site: str) -> None:
    page.goto(site)
    ask(page, "What is ECS?")
    turn = ask(page, "Does Fargate work with it?")
    turn.get_by_role("button", name="Ask as written").click()
    expect(turn.locator(".understood")).to_have_count(0)
    expect(turn).to_have_attribute("data-state", "done")
    quote = contract(site, "Does Fargate work with it?")["citations"][0]["quote"]  # type: ignore[index]
    expect(turn.locator(".words")).to_contain_text(quote)


def test_an_order_is_asked_and_nothing_before_it_can_be_left_out(page: Page, site: str) -> None:
    page.goto(site)
    turn = ask(page, "List the use cases of Docker")
    expect(turn.locator(".understood q")).to_have_text("What are the use cases of Docker?")
    expect(turn.get_by_role("button", name="Ask as written")).to_have_count(0)


def test_two_tabs_are_one_conversation(page: Page, site: str) -> None:
    page.goto(site)
    other = page.context.new_page()
    other.goto(site)
    ask(other, "What is ECS?")
    expect(page.locator("article")).to_have_count(1)
    ask(page, "And what about EKS?")
    expect(other.locator("article")).to_have_count(2)


def test_a_question_that_was_too_long_spoils_no_later_one(page: Page, site: str) -> None:
    # What is sent of it later is cut through a character of two units.
    page.goto(f"{site}?q={'x' * 1999}🐳{'x' * 20_000}")
    expect(page.get_by_label("Your question")).to_have_value(re.compile("^x"))
    page.keyboard.press("Enter")
    expect(page.locator("article")).to_contain_text("the question has 22000 characters")
    turn = ask(page, QUESTION)
    expect(turn.locator(".chip")).to_have_count(1)


def test_an_address_that_leads_nowhere_says_so(page: Page, site: str) -> None:
    for wrong in ("nowhere", "%E0%A4"):
        page.goto(f"{site}lectures/{wrong}")
        expect(page.get_by_role("alert")).to_contain_text(f"there is no lecture '{wrong}'")


def test_what_is_not_covered_is_shown_as_such(page: Page, site: str) -> None:
    page.goto(site)
    turn = ask(page, "What is the capital of France?")
    expect(turn.locator(".refusal")).to_have_text(
        "I found no answer in the lectures; they may not cover this."
    )
    expect(turn.locator(".nearest")).to_contain_text("These are not an answer.")
    expect(turn.locator(".words, .chip")).to_have_count(0)
    expect(turn.locator(".nearest li")).to_have_count(3)


def test_a_question_of_the_lecture_is_suggested_and_answered(page: Page, site: str) -> None:
    page.goto(f"{site}?lecture=docker-on-aws")
    expect(page.get_by_label("Where to look")).to_have_value("lecture:docker-on-aws")
    page.get_by_role("button", name=QUESTION).click()
    expect(page.locator("article .chip")).to_have_count(1)


def test_words_of_a_lecture_can_be_searched_and_asked_about(page: Page, site: str) -> None:
    page.goto(f"{site}lectures/docker-on-aws")
    find = page.get_by_role("searchbox")
    find.fill("ECR")
    whole = httpx.get(f"{site}v1/lectures/docker-on-aws/transcript").json()["transcript"]
    expect(page.locator(".find-count")).to_have_text(f"1 of {len(re.findall('ecr', whole, re.IGNORECASE))}")
    find.press("Enter")
    expect(page.locator(".find-count")).to_contain_text("2 of ")
    page.locator(".paragraph p").first.select_text()
    page.get_by_role("button", name="Ask about this").click()
    expect(page.locator("#about")).to_contain_text("“Hello, and welcome to this section")
    expect(page.get_by_label("Where to look")).to_have_value("lecture:docker-on-aws")
    with page.expect_request("**/v1/ask") as request:
        ask(page, "What is it about?")
    asked = request.value.post_data_json
    assert asked["lectures"] == ["docker-on-aws"]
    assert [turn["content"] for turn in asked["history"]] == [page.locator(".turn-about").inner_text()[1:-1]]


def test_the_keyboard_is_enough(page: Page, site: str) -> None:
    page.goto(site)
    expect(page.get_by_label("Your question")).to_be_focused()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    chip = page.locator(".chip")
    expect(chip).to_have_count(1)
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        if chip.evaluate("chip => chip === document.activeElement"):
            break
    expect(page.get_by_role("tooltip")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("tooltip")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.locator("mark")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("mark")).to_be_hidden()
    expect(chip).to_be_focused()
    assert page.url == site


def test_stop_and_retry(page: Page, proxy: Proxy) -> None:
    page.goto(proxy.page)
    proxy.lets_through.clear()
    page.get_by_label("Your question").fill(QUESTION)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Stop").click()
    turn = page.locator("article")
    expect(turn).to_contain_text("Stopped.")
    proxy.lets_through.set()
    turn.get_by_role("button", name="Ask again").click()
    expect(turn.locator(".chip")).to_have_count(1)
    proxy.broken = True
    turn.get_by_role("button", name="Ask again").click()
    expect(turn.locator(".problem")).to_contain_text("502")
    proxy.broken = False
    turn.get_by_role("button", name="Try again").click()
    expect(turn.locator(".chip")).to_have_count(1)


def test_while_the_lectures_are_opened_the_page_says_so_and_a_question_waits(
    page: Page, proxy: Proxy
) -> None:
    proxy.opening = True
    page.goto(proxy.page)
    notice = page.locator("#notice")
    expect(notice).to_have_text("The lectures are being opened")
    page.get_by_label("Your question").fill(QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator("article")).to_contain_text("Reading the lectures")
    proxy.opening = False
    expect(page.locator(".chip")).to_have_count(1)
    expect(notice).to_be_empty()


def test_a_link_to_what_is_gone_says_where_it_asks_instead(page: Page, site: str) -> None:
    page.goto(f"{site}?lecture=gone")
    expect(page.locator("#notice")).to_have_text(
        "There is no lecture “gone” here; questions go to all lectures"
    )
    page.get_by_label("Where to look").select_option("lecture:docker-on-aws")
    expect(page.locator("#notice")).to_be_empty()


def test_the_words_come_as_they_are_streamed(page: Page, proxy: Proxy) -> None:
    page.goto(proxy.page)
    with page.expect_response("**/v1/ask") as response:
        turn = ask(page, QUESTION)
    assert response.value.header_value("content-type") == "text/event-stream; charset=utf-8"
    shown = turn.locator(".words").inner_text().replace("\xa0", " ")
    assert shown.replace(" 1", " [1]") == contract(proxy.page, QUESTION)["answer"]


def test_a_key_is_asked_for_once_and_verdicts_are_kept(page: Page, web_home: Path, tmp_path: Path) -> None:
    for name in ("CURRENT", "generations", "models"):
        (tmp_path / name).symlink_to(web_home / name)
    with closing(KeyStore(tmp_path)) as keys:
        key = keys.create("learner")
    with serving(tmp_path) as site:
        page.goto(site)
        # A browser sends no such header, so the dialog must not let it be kept.
        page.get_by_label("Key", exact=True).fill("“key”")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="A key is needed")).to_be_visible()
        page.get_by_label("Key", exact=True).fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="That key was not accepted")).to_be_visible()
        page.get_by_label("Key", exact=True).fill(key)
        page.keyboard.press("Enter")
        expect(page.get_by_label("Where to look").locator("option")).to_have_count(5)
        page.reload()
        turn = ask(page, QUESTION)
        turn.get_by_role("button", name="Wrong source").click()
        expect(turn.get_by_role("button", name="Wrong source")).to_have_attribute("aria-pressed", "true")
        turn.get_by_role("button", name="Helpful", exact=True).click()
        expect(turn.get_by_role("button", name="Wrong source")).to_have_attribute("aria-pressed", "false")
    with closing(FeedbackStore(tmp_path)) as feedback:
        assert [one.verdict for one in feedback.all()] == ["wrong_source", "up"]


def test_in_a_frame_under_a_prefix(page: Page, proxy: Proxy) -> None:
    page.goto(f"{proxy.address}/course.html")
    frame = page.frame_locator("iframe")
    frame.get_by_label("Your question").fill(QUESTION)
    frame.get_by_role("button", name="Ask", exact=True).click()
    frame.locator(".chip").click()
    expect(frame.locator("mark")).to_contain_text("Docker Repository")
    frame.get_by_role("button", name="Close the lecture").click()
    expect(frame.locator(".chip")).to_be_focused()


def test_nothing_is_wider_than_a_small_telephone(page: Page, site: str) -> None:
    page.set_viewport_size({"width": 320, "height": 568})
    page.goto(site)
    ask(page, QUESTION)
    ask(page, "What is the capital of France?")
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) == 320
    page.locator(".source").first.click()
    expect(page.locator("mark")).to_be_in_viewport()
    assert page.evaluate(width) == 320
    page.reload()
    expect(page.locator("mark")).to_be_in_viewport()
    assert page.evaluate(width) == 320
    # The transcript is scrolled, not the page around it.
    assert page.evaluate("document.documentElement.scrollHeight") == 568


def test_a_lecture_from_right_to_left(page: Page, site: str) -> None:
    page.goto(f"{site}lectures/arabic#c0-48")
    transcript = page.locator(".transcript")
    expect(transcript).to_have_attribute("lang", "ar")
    assert transcript.evaluate("text => getComputedStyle(text).direction") == "rtl"
    assert marked(page) == "الحاوية هي وحدة برمجية تجمع الكود وكل ما يحتاجه."
    mark = page.locator("mark").bounding_box()
    label = page.locator(".label").first.bounding_box()
    assert mark is not None
    assert label is not None
    assert label["x"] > mark["x"] + mark["width"]


def test_a_recording_is_embedded_only_once_it_is_asked_for(page: Page, site: str) -> None:
    page.route("https://www.youtube-nocookie.com/**", lambda route: route.fulfill(body="a player"))
    page.goto(f"{site}lectures/arabic#c0-48")
    expect(page.locator("iframe")).to_have_count(0)
    page.locator(".bar").get_by_role("button", name="Play from 0:02").click()
    assert page.locator("iframe").get_attribute("src") == (
        "https://www.youtube-nocookie.com/embed/abcdefghijk?autoplay=1&rel=0&start=2"
    )
    expect(page.frame_locator("iframe").get_by_text("a player")).to_be_visible()


def test_how_a_recording_plays_is_told_by_its_address(page: Page, site: str) -> None:
    page.goto(site)
    told = page.evaluate(
        """async (urls) => {
            const { playerOf } = await import(new URL("web/x/player.js", location.href));
            return urls.map(playerOf).map((player) => player && [player.kind, player.at(65)]);
        }""",
        [
            "https://youtu.be/abcdefghijk",
            "https://vimeo.com/123",
            "https://media.example/a.mp4",
            "http://lms.example/play?id=1&t={seconds}",
            "javascript:alert(1)",
            "no address",
            None,
        ],
    )
    assert told == [
        ["frame", "https://www.youtube-nocookie.com/embed/abcdefghijk?autoplay=1&rel=0&start=65"],
        ["frame", "https://player.vimeo.com/video/123?autoplay=1#t=65s"],
        ["file", "https://media.example/a.mp4"],
        ["link", "http://lms.example/play?id=1&t=65"],
        None,
        None,
        None,
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_stream_is_read_wherever_the_network_cuts_it(page: Page, site: str, end: str) -> None:
    lines = [
        ": a comment",
        "event: text",
        'data: {"text": "🐳 a: b"}',
        "",
        "data: [1,",
        "data: 2]",
        "",
        "data: 3",
    ]
    page.goto(site)
    read = page.evaluate(
        """async ({ stream, size }) => {
            const { readEvents } = await import(new URL("web/x/events.js", location.href));
            const bytes = new TextEncoder().encode(stream);
            const body = new ReadableStream({
                start(out) {
                    for (let at = 0; at < bytes.length; at += size) out.enqueue(bytes.slice(at, at + size));
                    out.close();
                },
            });
            const found = [];
            for await (const event of readEvents(body)) found.push(event);
            return found;
        }""",
        {"stream": end.join(lines), "size": 1},
    )
    # The last event is not complete: an empty line ends one.
    assert read == [{"event": "text", "data": {"text": "🐳 a: b"}}, {"event": "message", "data": [1, 2]}]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Page, site: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.goto(site)
    expect(page.locator(".suggestion").first).to_be_visible()
    assert violations(page) == []
    ask(page, QUESTION).locator("summary").click()
    page.get_by_role("button", name="New conversation").hover()
    ask(page, "What is the capital of France?")
    page.locator(".chip").first.focus()
    expect(page.get_by_role("tooltip")).to_be_visible()
    assert violations(page) == []
    page.locator(".chip").first.click()
    expect(page.locator("mark")).to_be_visible()
    assert violations(page) == []
    page.goto(f"{site}lectures/pods#c0-20")
    expect(page.locator("mark")).to_be_visible()
    assert violations(page) == []
