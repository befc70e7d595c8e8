"""How recordings get into the Studio's list, and that a reload loses none of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import FileChooser, Page, expect

from tests.browser.conftest import with_and_without_scripts
from tests.browser.studio import (
    choose,
    choose_voice,
    file_button,
    open_options,
    row,
    until_removed,
    until_shelved,
    wait_until,
)

DAY_AGO = """new Promise((resolve, reject) => {
    const request = indexedDB.open("timbre-shelf");
    request.onsuccess = () => {
        const transaction = request.result.transaction("rows", "readwrite");
        const rows = transaction.objectStore("rows");
        rows.getAll().onsuccess = ({ target }) => {
            for (const row of target.result) rows.put({ ...row, at: row.at - 25 * 3600 * 1000 });
        };
        transaction.oncomplete = resolve;
        transaction.onabort = reject;
    };
})"""


def bring(page: Page, event: str, *names: str) -> None:
    """Drop these files onto the heading, or paste them."""
    page.evaluate(
        """([event, names]) => {
            const dataTransfer = new DataTransfer();
            for (const name of names) dataTransfer.items.add(new File([name], name, { type: "audio/wav" }));
            const happening = event === "paste"
                ? new ClipboardEvent(event, { clipboardData: dataTransfer, bubbles: true, cancelable: true })
                : new DragEvent(event, { dataTransfer, bubbles: true, cancelable: true });
            document.querySelector("h1").dispatchEvent(happening);
        }""",
        [event, list(names)],
    )


def drop_folder(page: Page, folder: Path) -> None:
    """As from the desktop: only there does a folder come along."""
    session = page.context.new_cdp_session(page)
    dragged = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for happening in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": happening, "x": 300, "y": 120, "data": dragged})
    session.detach()


def names(page: Page) -> list[str]:
    return page.locator(".file .name").all_inner_texts()


def test_a_folder_brings_the_recordings_in_it(page: Page, speech: Path, tmp_path: Path) -> None:
    folder = tmp_path / "Episode 7"
    (folder / "more").mkdir(parents=True)
    for name in ("take 10.mp3", "take 9.mp3", "more/last.mp3"):
        (folder / name).write_bytes((speech / "interview.mp3").read_bytes())
    for name in ("notes.txt", "cover.png", ".DS_Store"):
        (folder / name).write_bytes(b"no sound")
    page.goto("/")
    drop_folder(page, folder)
    expect(page.locator(".file")).to_have_count(3)
    assert names(page) == ["last.mp3", "take 9.mp3", "take 10.mp3"]
    expect(row(page, "take 9.mp3")).to_contain_text("0:06 · 49 kB")

    for path in folder.rglob("*.mp3"):
        path.unlink()
    drop_folder(page, folder)
    expect(page.get_by_role("alert")).to_have_text(
        "There is no audio or video in the folder “Episode 7”. Nothing was added."
    )
    expect(page.locator(".file")).to_have_count(3)


def test_what_is_chosen_dropped_and_pasted_lands_in_one_list(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, speech / "interview.mp3", speech / "phone_note.m4a")
    expect(row(page, "interview.mp3")).to_contain_text("0:06 · 49 kB")
    bring(page, "drop", "dropped.wav", "with it.wav")
    bring(page, "paste", "pasted.wav")
    choose(page, speech / "interview.mp3", speech / "man_cards.flac")  # the first is there already
    assert names(page) == [
        "interview.mp3", "phone_note.m4a", "dropped.wav", "with it.wav", "pasted.wav", "man_cards.flac",
    ]  # fmt: skip
    expect(page.locator("#sentence")).to_contain_text("6 recordings will be spoken by", use_inner_text=True)
    expect(row(page, "man_cards.flac").get_by_role("button", name="Play man_cards.flac")).to_be_visible()
    # In these there is no sound that a browser could play.
    expect(row(page, "dropped.wav").get_by_role("button", name="Play")).to_have_count(0)

    for name in ("with it.wav", "dropped.wav", "pasted.wav"):
        page.get_by_role("button", name=f"Remove {name}").press("Enter")
        expect(page.get_by_role("status").filter(has_text=f"“{name}” was removed.")).to_have_count(1)
    expect(page.locator("#sentence")).to_contain_text("3 recordings (22 sec) will be", use_inner_text=True)
    sent = "(input) => [...input.files].map((file) => file.name)"
    files = file_button(page).evaluate(sent)
    assert files == ["interview.mp3", "phone_note.m4a", "man_cards.flac"]


def test_a_reload_keeps_the_list_but_not_what_was_removed_and_not_for_more_than_a_day(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, speech / "man_cards.flac", speech / "interview.mp3", speech / "phone_note.m4a")
    until_shelved(page, 3)
    page.get_by_role("button", name="Remove interview.mp3").click()
    until_removed(page, 1)
    page.reload()
    expect(page.locator(".file")).to_have_count(2)
    assert names(page) == ["man_cards.flac", "phone_note.m4a"]
    expect(row(page, "phone_note.m4a")).to_contain_text("Kept in this browser since you left the page.")
    expect(page.locator("#sentence")).to_contain_text("2 recordings (16 sec)", use_inner_text=True)

    other = page.context.new_page()
    other.goto("/")  # what belongs to the first tab stays there
    other.wait_for_timeout(800)
    expect(other.locator(".file")).to_have_count(0)
    page.close()
    other.reload()
    expect(other.locator(".file")).to_have_count(2)

    other.evaluate(DAY_AGO)
    other.reload()
    until_shelved(other, 0)
    expect(other.locator(".file")).to_have_count(0)


def test_with_zero_retention_nothing_is_kept_in_the_browser(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, speech / "interview.mp3")
    until_shelved(page, 1)
    open_options(page)
    page.get_by_label("Zero retention").check()
    until_shelved(page, 0)
    choose(page, speech / "phone_note.m4a")
    expect(row(page, "phone_note.m4a")).to_contain_text("0:06")
    page.reload()
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_visible()
    page.wait_for_timeout(300)
    expect(page.locator(".file")).to_have_count(0)


def test_before_it_starts_the_price_is_said(page: Page, two_endpoints: None, speech: Path) -> None:
    page.goto("/")
    choose_voice(page, "Ana")
    choose(page, speech / "interview.mp3", speech / "phone_note.m4a")
    expect(page.locator("#sentence")).to_have_text(
        "2 recordings (12 sec) will be spoken by Ana, as MP3. You get 2 results. It costs about 201 credits. "
        "Everyone in Harbour Radio can see it.",
        use_inner_text=True,
    )


@pytest.mark.usefixtures("at_rest")
@with_and_without_scripts
def test_who_has_no_recording_at_hand_takes_the_sample(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Try it with our sample").click()
    taken = row(page, "Our sample.mp3")
    expect(taken).to_contain_text("Already here: nothing has to be sent.")
    taken.get_by_role("link", name="Remove Our sample.mp3").click()
    expect(taken).to_have_count(0)
    expect(page.get_by_text("Drop audio or video here")).to_be_visible()
    page.goto("/?take=sample")
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/conversions/*/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("sample")


def test_an_earlier_recording_is_taken_again_beside_a_new_one(page: Page, speech: Path) -> None:
    page.goto("/?take=sample")
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/conversions/*/")
    wait_until(page, "ready")
    page.goto("/")
    page.locator("summary", has_text="Take an earlier recording").click()
    page.locator(".earlier li").first.get_by_role("link").click()
    expect(page.locator("#sentence")).to_contain_text("(16 sec) will be spoken by", use_inner_text=True)
    choose(page, speech / "interview.mp3")
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/batches/*/")
    expect(page.get_by_role("heading", level=1)).to_have_text("2 recordings")


@pytest.mark.usefixtures("at_rest")
def test_voices_are_tried_from_where_the_player_is_and_the_others_stay(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, speech / "man_cards.flac")
    expect(row(page, "man_cards.flac")).to_contain_text("0:10")
    page.locator(".file audio").evaluate("(player) => { player.currentTime = 3.2; }")
    page.get_by_role("button", name="Try voices from here").click()
    expect(page.get_by_label("From second")).to_have_value("3.2")
    expect(row(page, "man_cards.flac")).to_contain_text("Voices are tried from 0:03 on.")
    choose(page, speech / "interview.mp3")
    expect(page.get_by_role("button", name="Try voices from here")).to_have_count(0)
    until_shelved(page, 2)
    page.get_by_role("button", name="Try the ticked voices").click()
    page.wait_for_url("**/auditions/*/")
    expect(page.locator("main")).to_contain_text("man_cards.flac")
    page.goto("/")
    expect(row(page, "interview.mp3")).to_be_visible()
    expect(page.locator(".file")).to_have_count(1)


@with_and_without_scripts
def test_the_file_button_is_named_as_it_is_shown_and_all_of_the_zone_is_it(
    page: Page, page_kind: str, speech: Path
) -> None:
    choosers: list[FileChooser] = []
    # All the time: between two expectations the dialog would open for itself.
    page.on("filechooser", lambda chooser: choosers.append(chooser))  # noqa: PLW0108 - no built-in

    def wait_for_choosers(count: int) -> None:
        for _ in range(600):
            if len(choosers) == count:
                return
            page.wait_for_timeout(50)
        raise AssertionError(f"{len(choosers)} dialogs opened, not {count}")

    page.goto("/")
    shown = page.locator("label[for=id_audio]")
    expect(page.locator("#id_audio")).to_have_accessible_name(shown.inner_text())
    button, zone = shown.bounding_box(), page.locator(".drop").bounding_box()
    assert button
    assert zone
    page.mouse.click(button["x"] + 20, button["y"] + 20)
    wait_for_choosers(1)
    page.mouse.click(zone["x"] + 9, zone["y"] + 9)
    wait_for_choosers(2)
    file_button(page).focus()
    page.keyboard.press("Enter")
    wait_for_choosers(3)
    expect(shown).to_have_css("outline-style", "solid")  # the input has the focus; its label shows it
    choosers[-1].set_files(speech / "interview.mp3")
    if page_kind == "page":
        expect(row(page, "interview.mp3")).to_be_visible()
    else:  # the input itself says what was chosen
        expect(page.locator("#id_audio")).to_have_css("opacity", "1")
        expect(shown).to_be_visible()
