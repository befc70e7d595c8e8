"""Voices for parts and speakers: marked by pointer and keyboard, or as plain rows, and sent."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import Look, broken_rules, in_two_kinds
from tests.browser.studio import Recording, allow, convert, wait_until
from tests.support.dialogue import RATE_HZ, conversation
from tests.support.sound import as_wav

LENGTH_S = 17.35


def rows(page: Page) -> list[tuple[str, ...]]:
    """From, to and who of the rows in which something stands."""
    found = page.locator("[data-part]").evaluate_all(
        "(rows) => rows.map((row) => [...row.querySelectorAll('input[type=text], select')].map((field) =>"
        " field.options ? field.selectedOptions[0].textContent.trim() : field.value))"
    )
    return [tuple(row) for row in found if row[0] or row[1]]


def across_lane(page: Page, fraction: float) -> tuple[float, float]:
    box = page.locator("#lane").bounding_box()
    assert box is not None
    return box["x"] + fraction * box["width"], box["y"] + box["height"] / 2


def drag(page: Page, start: float, end: float) -> None:
    page.mouse.move(*across_lane(page, start))
    page.mouse.down()
    page.mouse.move(*across_lane(page, (start + end) / 2))
    page.mouse.move(*across_lane(page, end))
    page.mouse.up()


def seconds(text: str) -> float:
    minutes, rest = text.split(":")
    return 60 * int(minutes) + float(rest)


def test_parts_are_drawn_moved_and_sent(page: Page, talk: str) -> None:
    page.goto(talk)
    page.get_by_label("Everything else").select_option(label="Left as it is")
    page.locator("#lane").scroll_into_view_if_needed()
    drag(page, 0.2, 0.5)
    [(start, end, who)] = rows(page)
    assert seconds(start) == pytest.approx(0.2 * LENGTH_S, abs=0.1)
    assert seconds(end) == pytest.approx(0.5 * LENGTH_S, abs=0.1)
    assert who == "Speaker 1"
    drag(page, 0.5, 0.6)  # its end
    drag(page, 0.9, 0.55)  # another one, up to the first and no further
    page.mouse.click(*across_lane(page, 0.4))
    expect(page.get_by_label("From").first).to_be_focused()
    first, second = rows(page)
    assert seconds(first[1]) == pytest.approx(0.6 * LENGTH_S, abs=0.1)
    assert second[0] == first[1]
    expect(page.locator("#lane rect")).to_have_count(2)
    page.get_by_label("Speaker 1", exact=True).fill("Anna")
    expect(page.locator("#id_part-0-who option").nth(1)).to_have_text("Anna")
    page.locator("#id_part-1-who").select_option(label="Speaker 2")
    page.locator("#id_speaker-0-voice").select_option(label="Lyra")
    expect(page.locator("#summary-words")).to_contain_text("1 voice: Lyra. 0:07 of 0:17 is converted")
    expect(page.locator("#summary-words")).to_contain_text("It costs nothing.")
    page.get_by_role("button", name="Convert", exact=True).click()
    page.wait_for_url("**/conversions/*/")
    assert page.url not in talk
    wait_until(page, "ready")


def test_parts_are_marked_by_the_keyboard_where_the_player_is(page: Page, talk: str) -> None:
    page.goto(talk)
    position = page.get_by_role("slider", name="Position")
    position.focus()
    position.fill("3")
    page.keyboard.press("b")
    expect(page.locator("#announcement")).to_have_text("Part 1 begins at 0:03.")
    position.fill("8.5")
    page.keyboard.press("e")
    expect(page.locator("#announcement")).to_have_text("Part 1 ends at 0:08.5.")
    assert rows(page) == [("0:03", "0:08.5", "Speaker 1")]
    page.get_by_label("Speaker 2", exact=True).press("b")  # typing is typing
    assert len(rows(page)) == 1
    page.get_by_role("button", name="Listen to this part").first.click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 3")
    page.get_by_role("button", name="Add a part").click()
    expect(page.locator("[data-part]")).to_have_count(4)
    expect(page.locator("[data-part]").last.get_by_label("From")).to_be_focused()


def test_a_part_that_is_added_in_between_stands_in_its_place(page: Page, talk: str) -> None:
    allow(page, 422)  # until it ends it reaches into the next
    page.goto(talk)
    position = page.get_by_role("slider", name="Position")
    for begins, ends in (("10", "12"), ("2", "4"), ("6", "8")):
        position.focus()
        position.fill(begins)
        page.keyboard.press("b")
        position.fill(ends)
        page.keyboard.press("e")
    expect(page.locator("#announcement")).to_have_text("Part 2 ends at 0:08.")
    assert [row[:2] for row in rows(page)] == [("0:02", "0:04"), ("0:06", "0:08"), ("0:10", "0:12")]
    names = page.locator("[data-part] [name$='-start']").evaluate_all("(fields) => fields.map(({ name }) => name)")
    assert names == [f"part-{number}-start" for number in range(len(names))]
    groups = page.locator("[data-part] [role=group]").evaluate_all("(all) => all.map(({ ariaLabel }) => ariaLabel)")
    assert groups == [f"Part {number + 1}" for number in range(len(names))]
    page.get_by_label("Speaker 1", exact=True).fill("Anna")
    expect(page.locator("#lane rect title")).to_have_text(
        ["Anna, 0:02 – 0:04", "Anna, 0:06 – 0:08", "Anna, 0:10 – 0:12"]
    )


def test_what_is_listened_to_is_stopped_where_it_was_begun(page: Page, talk: str) -> None:
    allow(page, 422)  # who speaks there isn't said
    page.goto(talk)
    page.get_by_label("From").first.fill("0:03")
    page.get_by_label("To").first.fill("0:16")
    button = page.get_by_role("button", name="Listen to this part").first
    plays = "() => !document.querySelector('audio').paused"
    button.press("Enter")
    page.wait_for_function(plays)
    expect(button).to_have_attribute("aria-pressed", "true")
    button.press("Enter")
    page.wait_for_function("() => document.querySelector('audio').paused")
    expect(button).to_have_attribute("aria-pressed", "false")
    # Who goes elsewhere meanwhile listens on there.
    page.get_by_label("To").first.fill("0:13")
    button.press("Enter")
    page.wait_for_function(plays)
    page.get_by_role("slider", name="Position").fill("14")
    expect(button).to_have_attribute("aria-pressed", "false")
    page.wait_for_function("() => document.querySelector('audio').currentTime > 14.5")


def test_each_row_says_which_it_is(page: Page, talk: str) -> None:
    page.goto(talk)
    page.get_by_label("Speaker 1", exact=True).fill("Anna")
    expect(page.get_by_role("group", name="Speaker 1: Anna", exact=True).get_by_label("Voice")).to_have_count(1)
    expect(page.get_by_role("group", name="Speaker 2: no name yet", exact=True).get_by_label("Voice")).to_have_count(1)
    page.get_by_role("button", name="Add a part").click()
    expect(page.get_by_role("group", name="Part 4", exact=True).get_by_label("From")).to_be_focused()
    # Who turns out to be somebody else has no voice of their own any more.
    page.locator("#id_speaker-1-same_as").select_option(label="Anna")
    opacity = "getComputedStyle(document.querySelector('#id_speaker-1-voice').closest('.field')).opacity"
    assert page.evaluate(opacity) == "0.65"
    assert not broken_rules(page).violations_count


def test_what_is_still_missing_is_no_mistake(page: Page, talk: str) -> None:
    page.goto(talk)
    page.get_by_label("Everything else").select_option(label="Left as it is")
    expect(page.locator("#summary-words")).to_contain_text("Mark a part first.")
    expect(page.locator("#summary-words .bad")).to_have_count(0)
    page.watch.allowed.add(422)  # type: ignore[attr-defined]
    page.get_by_role("button", name="Convert", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Mark a part first.")


def test_a_mistake_is_told_at_its_row_and_what_is_marked_stays(page: Page, talk: str) -> None:
    page.watch.allowed.add(422)  # type: ignore[attr-defined]
    page.goto(talk)
    page.get_by_label("From").first.fill("9")
    page.get_by_label("To").first.fill("4")
    page.locator("#id_part-0-who").select_option(label="Speaker 1")
    expect(page.locator("#summary-words")).to_contain_text("Mend what is marked first.")
    page.get_by_role("button", name="Convert", exact=True).click()
    expect(page.locator("#id_part-0-end_error")).to_contain_text("This is before its beginning")
    expect(page.get_by_label("To").first).to_be_focused()
    assert rows(page) == [("9", "4", "Speaker 1")]


@pytest.mark.usefixtures("at_rest")
def test_without_a_script_rows_are_filled_in_added_looked_at_and_sent(plain_page: Page, talk: str) -> None:
    page = plain_page
    page.goto(talk)
    expect(page.locator("#lane")).to_be_hidden()
    expect(page.locator("#marking")).to_be_hidden()
    page.get_by_label("Everything else").select_option(label="Left as it is")
    page.get_by_label("From").first.fill("0:02")
    page.get_by_label("To").first.fill("9")
    page.get_by_role("button", name="Add a part").click()
    expect(page.locator("[data-part]")).to_have_count(6)
    page.locator("#id_part-0-who").select_option(label="Speaker 2")
    page.locator("#id_speaker-1-voice").select_option(label="Lyra")
    page.get_by_role("button", name="What will it cost?").click()
    expect(page.locator("#summary-words")).to_contain_text("1 voice: Lyra. 0:07 of 0:17 is converted")
    page.get_by_role("button", name="Convert", exact=True).click()
    page.wait_for_url("**/conversions/*/")
    assert page.url not in talk


def test_speakers_are_found_heard_and_given_voices(page: Page) -> None:
    allow(page, 422)  # what it will cost is asked while voices are still missing
    samples, _said = conversation(["man_librivox", "woman_prompts"], 20)
    address = convert(page, Recording("interview.wav", as_wav(samples, RATE_HZ)), voice="Atlas")
    wait_until(page, "ready")
    page.get_by_role("link", name="Voices for parts and speakers").click()
    page.wait_for_url(f"**{address}parts/")
    page.get_by_role("button", name="Find speakers").click()
    # Nothing is marked yet: it fills itself in.
    expect(page.get_by_role("link", name="Begin again with what was found")).to_be_visible()
    expect(page.locator("#search")).to_contain_text("2 speakers were found.")
    assert {who for _start, _end, who in rows(page)} == {"Speaker 1", "Speaker 2"}
    page.get_by_role("button", name="Listen to Speaker 2").click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 2")
    page.get_by_label("Speaker 1", exact=True).fill("The reader")
    expect(page.get_by_role("button", name="Listen to The reader")).to_be_visible()
    page.locator("#id_speaker-0-voice").select_option(label="Lyra")
    page.locator("#id_speaker-1-voice").select_option(label="Nora")
    expect(page.locator("#summary-words")).to_contain_text("2 voices: Lyra and Nora.")
    page.set_viewport_size({"width": 1280, "height": 900})
    Look(page).take("conversion-speakers")
    page.get_by_role("button", name="Convert", exact=True).click()
    page.wait_for_url(lambda url: url.endswith("/") and "/parts/" not in url)
    wait_until(page, "ready")
    expect(page.locator("main")).to_contain_text("The reader")


@in_two_kinds
def test_how_it_looks(look: Look, talk: str) -> None:
    page = look.page
    allow(page, 422)  # until it is said who speaks there
    page.goto(talk)
    page.get_by_label("Everything else").select_option(label="Left as it is")
    for number, (start, end) in enumerate((("0:01", "0:06.5"), ("7", "0:12"), ("12", "16"))):
        page.locator(f"#id_part-{number}-start").fill(start)
        page.locator(f"#id_part-{number}-end").fill(end)
        page.locator(f"#id_part-{number}-who").select_option(index=number % 2 + 1)
    page.get_by_label("Speaker 1", exact=True).fill("Anna")
    page.locator("#id_speaker-0-voice").select_option(label="Lyra")
    expect(page.locator("#summary-words")).to_contain_text("1 voice: Lyra")
    look.take("conversion-parts")
