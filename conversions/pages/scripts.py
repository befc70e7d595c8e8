"""The words that scripts show, a page each: written into it once, as JSON (templatetags/words.py), and read by
static/js/words.js.

A script fills in what stands in braces. Of what is counted, every form that the language has stands under the name of
its category in Unicode's plural rules (Intl.PluralRules in browsers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversions.actions.limits import no_room_words
from conversions.words.durations import spoken_duration
from s2s.audio.mistakes import FOREIGN, MISTAKES, refusal

Words = Mapping[str, "str | Words"]  # words, or groups of them, by name

# A number of each category, in the languages that have it (Unicode CLDR, language plural rules).
_EXAMPLES = {"zero": 0, "one": 1, "two": 2, "few": 3, "many": 11, "other": 100}
# What inspecting.js finds out beside the marks that it looks for.
_FOUND_IN_BROWSERS = ("text", "silent", "index_missing", "unfinished")


def words_of(page: str) -> Words:
    """Of a page that has scripts with words, in the language of the moment. KeyError for others."""
    return _PAGES[page]()


def counted(of: Callable[[int], str]) -> dict[str, str]:
    """Every form of what `of` says for a number, by its category; those that are as "other" are left out."""
    forms = {category: of(n) for category, n in _EXAMPLES.items()}
    return {category: words for category, words in forms.items() if category == "other" or words != forms["other"]}


def _studio() -> Words:
    return {
        "recording": _recording(),
        "mistakes": _mistakes(),
        "list": _list(),
        "shelf": _shelf(),
        "microphone": _microphone(),
        "recorder": _recorder(),
        "level": _level(),
        "voices": _voices(),
        "options": _options(),
        "sentence": _sentence(),
        "sending": _sending(),
        "unsent": _unsent(),
    }


def _recording() -> Words:
    """What is said of files that are chosen, and the name of one that is recorded."""
    too_large = _("This file is too large: at most %(size)s are taken.")
    too_long = _("This recording is too long: at most %(length)s are taken. Cut it into shorter parts.")
    return {
        "cut": _(
            "This file was cut off: a part of what its header promises is missing. What is there can be converted."
        ),
        "too_large": too_large % {"size": filesizeformat(settings.MAX_UPLOAD_BYTES)},
        "too_long": too_long % {"length": spoken_duration(settings.MAX_DURATION_S)},
        "no_room": no_room_words(),
        "not_in_folder": _("There is no audio or video in the folder “{name}”. Nothing was added."),
        "name": _("Recording {time}"),
    }


def _mistakes() -> Words:
    """What can't be converted (inspecting.js)."""
    refused = {name: str(refusal(name)) for name in (*MISTAKES, *FOREIGN, *_FOUND_IN_BROWSERS)}
    return {"empty": _("This file is empty. Choose one with sound in it.")} | refused


def _list() -> Words:
    return {
        "listen": _("Listen to {name}"),
        "remove": _("Remove {name}"),
        "play": _("Play {name}"),
        "added_name": _("{name} was added."),
        "added": counted(lambda n: ngettext("{n} recording was added.", "{n} recordings were added.", n)),
        "removed": _("“{name}” was removed."),
        "restored": _("{name} is back in the list."),
        "queued": _("Waiting"),
        "storing": _("All arrived; storing it"),
        "accepted": _("Accepted"),
        "from": _("Voices are tried from {time} on."),
    }


def _shelf() -> Words:
    """What is said at a recording that a reload left behind, and of those that none would."""
    return {
        "unkept": _(
            "These recordings are kept only while this page is open: leaving or reloading it would lose what isn’t "
            "sent yet."
        ),
        "back": _("Kept in this browser since you left the page."),
        "cut": _("The page was left while this was being recorded. This is what was there until then."),
        "stopped": _("The page was left before this had arrived. Press Convert to send it again."),
        "untaken": _("You were signed out before this was taken. Press Convert to send it again."),
        "arrived": _(
            "All of this had been sent when the page was left. Look in the History whether it arrived; sent again as "
            "it was, it isn’t converted twice."
        ),
    }


def _microphone() -> Words:
    """Why there is none (microphone.js)."""
    return {
        "insecure": _(
            "The microphone is off: browsers allow it only over HTTPS, and this page came over plain HTTP. Ask your "
            "admin for an address that begins with https. Files can be chosen all the same."
        ),
        "unable": _("This browser can’t record. Choose a file, or open this page in another browser."),
        "refused": _(
            "This page may not use the microphone. Allow it in your browser, at the address of the page, and press "
            "Record again."
        ),
        "missing": _("No microphone was found. Plug one in and press Record again."),
        "busy": _(
            "The microphone could not be opened. Perhaps another program is using it: close that one and press Record "
            "again."
        ),
    }


def _recorder() -> Words:
    """Its states (recorder.js)."""
    return {
        "asking": _("Your browser asks whether this page may use the microphone."),
        "recording": _("Recording"),
        "paused": _("Paused"),
        "review": _("Listen to it, then use it or record again."),
    }


def _level() -> Words:
    """What is wrong with how loud it is (level.js)."""
    return {
        "loud": _("Too loud: the sound is distorted. Move away from the microphone, or turn it down."),
        "quiet": _("Very quiet. Come nearer to the microphone, or turn it up."),
        "silent": _("Nothing can be heard. Is the microphone switched off, or is another one chosen?"),
    }


def _voices() -> Words:
    return {
        "ticked": counted(lambda n: ngettext("{n} voice: one conversion each", "{n} voices: one conversion each", n)),
        "none": _("No voice is like that."),
        "no_favourite": _("No favourites yet: press the star of a voice."),
        "no_recent": _("Your team has used none of these yet."),
        "show_all": counted(lambda n: ngettext("Show all {n} voice", "Show all {n} voices", n)),
    }


def _options() -> Words:
    return {
        "only": _("Only with the voices of {endpoints}."),
        "part": _("{option} ({endpoints} only)"),
        "left_out": _("Left out: {options}. Not available at {endpoints}."),
        "on": _("on"),
        "off": _("off"),
        "saved": _("“{name}” was saved."),
        "lost": _("It could not be saved: the connection was lost. Try it again."),
    }


def _sentence() -> Words:
    """What will happen, above the button that makes it happen."""
    return {
        "empty": _("Choose a recording; it will be spoken by {voice}."),
        "no_voice": _("Choose a voice."),
        "full": _("{recording} will be spoken by {voice}, as {format}."),
        "recordings": counted(lambda n: ngettext("{n} recording", "{n} recordings", n)),
        "with_length": _("{recordings} ({length})"),
        "voices": counted(lambda n: ngettext("{n} voice", "{n} voices", n)),
        "results": counted(lambda n: ngettext("You get {n} result.", "You get {n} results.", n)),
        "pieces": counted(
            lambda n: ngettext(
                "{endpoint} takes {most} at once: it is cut at pauses into about {n} piece and joined again.",
                "{endpoint} takes {most} at once: it is cut at pauses into about {n} pieces and joined again.",
                n,
            )
        ),
        "pieces_of_several": counted(
            lambda n: ngettext(
                "{endpoint} takes {most} at once: what is longer is cut at pauses, into about {n} piece in all, "
                "and joined again.",
                "{endpoint} takes {most} at once: what is longer is cut at pauses, into about {n} pieces in all, "
                "and joined again.",
                n,
            )
        ),
        "free": _("It costs nothing."),
        "credits": _("It costs about {credits} credits."),
        "credits_a_minute": _("It costs {credits} credits a minute."),
        "credits_unknown": _("It costs credits."),
        "time": _("Ready in about {time}."),
    }


def _sending() -> Words:
    """While recordings are on their way, and what became of them together."""
    return {
        "sending": counted(lambda n: ngettext("Sending your recording.", "Sending {n} recordings.", n)),
        "trying": _("Voices are tried with {name}; the others stay in your list."),
        "for_parts": _("Parts of {name} get voices of their own; the others stay in your list."),
        "storing": _("All arrived; storing it."),
        "arrived": _("{n} of {all} have arrived."),
        "left": _("{time} left"),
        "accepted": counted(lambda n: ngettext("{n} recording was accepted.", "{n} recordings were accepted.", n)),
        "rest": _("The others were not: the reason stands at each of them."),
        "see": _("See what was accepted"),
        "signed_out": _(
            "You were signed out, and what is still in your list was not taken. Nothing of it is lost: sign in, come "
            "back to this page, and it is sent."
        ),
        "sign_in": _("Sign in in a new tab"),
    }


def _unsent() -> Words:
    """Why one wasn't taken."""
    return {
        "no_recording": _("Choose a recording first."),
        "too_many": _("These are more than {most} conversions. Take fewer at once."),
        "too_many_pieces": _(
            "“{name}” is too long for {endpoint}, which takes {length} at once: it would be more than {most} pieces. "
            "Choose a voice of another endpoint, or a shorter recording."
        ),
        "signed_out": _("You were signed out before this was taken. It isn’t converted."),
        "lost": _("The connection was lost before everything had arrived. It isn’t converted."),
        "refused": _(
            "The server refused the upload. Try again in a minute, and tell your admin if it stays like this."
        ),
        "unclear": _(
            "All of it had been sent, but no answer came: it may have been accepted. Send it again to be sure; it "
            "isn’t converted twice."
        ),
        "stopped": _("Stopped. It isn’t converted."),
        "first": _("Not sent: mend what is marked first."),
    }


def _conversion() -> Words:
    denied = _(
        "This browser doesn’t let %(site)s show notifications. Allow them in the settings of this site, beside its "
        "address, and press here again."
    )
    return {
        "transport": _transport(),
        "pieces": {"awaited": _("Piece {number} is played as soon as it is there.")},
        "beginning": {
            "awaited": _("What comes next is played as soon as it is there."),
            "lost": _(
                "The call that brought this broke off. What its next try brings can be heard from the beginning."
            ),
        },
        "notification": {
            "denied": denied % {"site": settings.SITE_NAME},
            "impossible": _impossible(),
            "on": _(
                "A notification will come when it is ready, or when it fails, as long as this page is open in some tab."
            ),
        },
    }


def _transport() -> Words:
    return {
        "position": _("{position} of {length}"),
        "play": _("Play"),
        "pause": _("Pause"),
        "joined": _("Joined at {time}"),
        "unheard": _(
            "Nothing is heard: this browser found no device that plays sound. Connect one and press Play again."
        ),
    }


def _shared() -> Words:
    return {"transport": _transport()}


def _shares() -> Words:
    return {"copying": {"done": _("Copied"), "refused": _("The link is marked: copy it with your keyboard or finger.")}}


def _parts() -> Words:
    return {
        "transport": _transport(),
        "parts": {
            "added": _("Part {number} begins at {time}."),
            "ended": _("Part {number} ends at {time}."),
            "none": _("No part has begun yet. Press “Part begins here” first."),
            "full": _("No more parts fit."),
            "filled": _("What was found is filled in below."),
            "to_show": _("Press “Show what was found” to have it below, in place of what is marked there."),
            "lost": _("The price could not be asked: the connection was lost. Press “What will it cost?” again."),
            "speaker": _("Speaker {number}"),
            "listen": _("Listen to {name}"),
            "part": _("Part {number}"),
            "named": _("Speaker {number}: {name}"),
            "unnamed": _("no name yet"),
            "speaker_added": _("Speaker {number} was added."),
            "kept": _("What you mark is kept in this browser until you press Convert, for a day at most."),
            "back": _("What you had marked here is back."),
            "replaced": _("This is what was found; what you had marked isn’t shown any more."),
        },
    }


def _account() -> Words:
    denied = _(
        "This browser doesn’t let %(site)s show notifications. Allow them in the settings of this site, beside its "
        "address, and tick the box again."
    )
    return {"notification": {"denied": denied % {"site": settings.SITE_NAME}, "impossible": _impossible()}}


def _impossible() -> str:
    return _("Browsers show notifications only over HTTPS. Your admin can switch that on.")


def _audition() -> Words:
    return {"voices": {"heard": _("All voices can be heard")}}


def _own_voices() -> Words:
    return {
        "microphone": _microphone(),
        "level": _level(),
        "sample": {  # its states (sample.js)
            "asking": _("Your browser asks whether this page may use the microphone."),
            "recording": _("Recording"),
            "review": _("Listen to it, then make the voice or record again."),
        },
        "name": _recording()["name"],
    }


_PAGES = {
    "studio": _studio,
    "conversion": _conversion,
    "audition": _audition,
    "account": _account,
    "parts": _parts,
    "own_voices": _own_voices,
    "shared": _shared,
    "shares": _shares,
    "team": _shares,
}
