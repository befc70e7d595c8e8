"""What is sent: sensible values, and what nobody should send."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.conversions.url_map.requests import Row, Value

# ---- what there is ----

IDS = {  # by their model, or by their kind where that isn't known
    "conversion": ["ready", "ready", "gone", "stopped", "waiting", "private", "theirs"],
    "batch": ["batch", "batch", "their_batch"],
    "recording": ["recording", "recording", "their_recording"],
    "share": ["share", "share", "their_share"],
    "comment": ["comment", "comment", "their_comment"],
    "preset": ["preset", "preset", "their_preset"],
    "voice": ["voice", "voice", "hidden_voice"],
    "endpoint": ["endpoint", "unused"],
    "user": ["alice", "bob", "root", "mallory"],
    "team": ["team", "their_team"],
    "invitation": ["invitation", "invitation", "their_invitation"],
    "membership": ["membership", "membership", "their_membership"],
    "uuid": ["ready", "batch", "recording", "audition", "theirs", "their_batch", "their_recording", "their_audition"],
    "int": ["preset", "team", "alice", "bob", "voice", "endpoint", "call", "content_type", "their_preset", "mallory"],
}
EVERY_ID = [Row(name) for name in dict.fromkeys(name for names in IDS.values() for name in names)]
# What stands in these places of addresses, and belongs to these names in queries and forms.
NAMED: dict[str, list[Value]] = {
    "uidb36": [Row("uidb36")],
    "key": [Row("key"), "set-password"],
    # Of those of others none opens anything: one is revoked, one has run out, one asks for a password.
    "link": [Row("link"), Row("link"), Row("their_link"), Row("their_old_link"), Row("their_locked_link"), "x"],
    "token": [Row("token"), "1-x"],
    "app_label": ["teams", "conversions", "voices"],
    "model_name": ["membership", "conversion"],
    "field_name": ["user", "team", "voice"],
    "output_format": ["mp3_44100_128", "wav_16000", "pcm_16000"],
    "content_type_id": [Row("content_type"), "1", "2", "3", "4"],
    "file": ["css/base.css", "js/upload.js", "admin/css/base.css", "favicon.ico", "robots.txt", ""],
    "voice": [Row("voice"), Row("hidden_voice")],
    "take": ["sample", Row("ready"), Row("theirs")],
    "term": ["a", "harbour", "bob@example.com"],
    "login": ["alice@example.com", "x@example.com"],
    "password": ["password", "a longer password"],
    "month": ["2026-11", "2026-12", "2099-12"],
    "format": ["csv"],
}
WORDS: list[Value] = [
    *("on", "1", "yes", "true", "shortcuts", "audition", "csv", "2026-11", "alice@example.com", "bob@example.com"),
    *("password", "a longer password", "harbour", "/history/", "ready", "failed", "deleted", "all", "only_me"),
    *("mp3_44100_128", "delete_selected", "__all__", "user", "team", "teams", "conversions", "voices", "voice", "0"),
]

# ---- what nobody should send ----

HUGE: list[Value] = [
    *("-1", "00", "1.5", "1e400", str(2**31), str(2**63 - 1), str(2**63), str(-(2**63) - 1), "9" * 25, "9" * 5000),
    *("nan", "inf", "-inf", "0x10", "1_0", "²", "٣"),
]
ODD: list[Value] = [
    *("", " ", "\0", "a\0b", "\ufffd", "\x85", "\u2028", "\r\n", "é" * 300, "🎙️", "\u202e", "x" * 5000, "\ud800"),
    *("x" * 60_000, "x " * 3000, "é" * 9000),
    *("%", "%%s", "%(x)s", "'", '"', "\\", ";", "--", "[", "*", "(?", "../../etc/passwd", "//evil.example"),
    *(
        "http://[",
        "http://a:b/",
        "javascript:1",
        "None",
        "null",
        "[]",
        "{}",
        "{",
        '{"a": NaN}',
        "1,2",
        ",",
        "1,\0",
        "a,b",
    ),
    *("0001-01-01", "9999-12-31", "2026-02-30", "2026-11-29T10:00:00+99:99", "2026-13", "10000-01", "25:61"),
    *("0001-01-01 00:00+14:00", "9999-12-31 23:59-14:00", "-999999999 00:00", "2026-11-29T23:59:60Z"),
    *("0-0", "1.-2", "1..2", "-99", "mine:", "conversion:", "recording:x", f"conversion:{'0' * 32}"),
    *(b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xfe\xff" * 40),
]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
RAW = st.binary(max_size=6)
HOSTILE: st.SearchStrategy[Value] = st.one_of(
    st.sampled_from(HUGE), st.sampled_from(ODD), st.sampled_from(ODD), TEXT, RAW
)
# What a filter takes, and no row can answer; more of them by the lookup.
MISLEADING: list[Value] = [
    *("9" * 25, "-" + "9" * 25, "9" * 5000, "{", '{"a": NaN}', "1,x", "", "\x85", "x", "nan", "1e400")
]
_PATTERNS: list[Value] = ["[", "(?", "*", "a{1,0}", "\\"]
_NUMBERS: list[Value] = ["9" * 25, "-" + "9" * 25, "99999", "0", "-1", "1e400"]
_SEVERAL: list[Value] = ["9" * 25, "1,x", f"1,{'9' * 25}", ",", "1,2", "1,2,3", "x" * 60_000]
_OF_NUMBERS = ("exact", "gt", "gte", "lt", "lte", "year", "iso_year", "month", "week", "week_day")
BY_LOOKUP: dict[str, list[Value]] = {
    "regex": _PATTERNS,
    "iregex": _PATTERNS,
    "in": _SEVERAL,
    "range": _SEVERAL,
    **dict.fromkeys(_OF_NUMBERS, _NUMBERS),
}

# ---- headers ----

CODES = [
    *("utf-8", "utf-16", "utf-7", "latin-1", "hex", "rot13", "zlib", "idna", "punycode", "undefined", "cp037", ""),
    *("unicode_escape", "raw_unicode_escape", "mbcs", "\0", "x" * 300, "utf-8-sig", "unknown"),
]
KINDS = [
    *(f"multipart/form-data; boundary=b; charset={code}" for code in CODES),
    *(f"application/x-www-form-urlencoded; charset={code}" for code in CODES),
    *("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + "b" * 300),
    *("application/json", "text/plain", "\xff", "", "multipart/mixed; boundary=b", "multipart/form-data; boundary=é"),
    *("text/plain; x*=unknown'en'y", "application/x-www-form-urlencoded; charset*=utf-8'en'%00", "a/b; ;=;"),
]
_ADDRESSES = [
    *("http://[", "http://testserver/", "http://testserver/history/?before=\0", "\xff", "x", "null", "http://a:b"),
    *("http://a:99999999/", "https://\u2100".encode().decode("latin-1"), "//", "http://testserver\\@evil.example/"),
]
_MOMENTS = [
    *("Sat, 29 Nov 2036 00:00:00 GMT", "Mon, 31 Feb 0000 99:99:99 GMT", "x", "Sun, 06 Nov 9999999 08:49:37 GMT", "-1"),
    *("Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 0000", "Thu, 01 Jan 0001 00:00:00 GMT", "\xff"),
]
_TAGS = ["*", '"a", W/"b"', "\xff", ",", '"' * 200, 'W/"']
HEADERS: dict[str, list[str]] = {
    "HTTP_RANGE": [
        *("bytes=0-", "bytes=0-0", "bytes=-1", "bytes=5-2", "bytes=-0", "bytes=0-1,3-4", "bytes=", "items=0-1"),
        *(
            "bytes=a-b",
            f"bytes={'9' * 5000}-",
            f"bytes=-{'9' * 5000}",
            "bytes=99999999999-",
            "bytes=-",
            "bytes=0-" * 90,
        ),
        *("bytes=٣-٤".encode().decode("latin-1"), "bytes=1-\xb2", "bytes=\xb2-", "bytes=0-\xb9"),
    ],
    "HTTP_IF_RANGE": ['"x"', *_MOMENTS],
    "HTTP_IF_NONE_MATCH": _TAGS,
    "HTTP_IF_MATCH": _TAGS,
    "HTTP_IF_MODIFIED_SINCE": _MOMENTS,
    "HTTP_IF_UNMODIFIED_SINCE": _MOMENTS,
    "HTTP_ACCEPT": ["*/*", "application/json", "a/b;q=x", "\xff", ",;,", "text/html;q=" + "9" * 5000, "a/b;q=nan"],
    "HTTP_ACCEPT_LANGUAGE": [
        "de",
        "xx-YY;q=2",
        "\xff",
        "a" * 600,
        "*",
        "de;q=" + "9" * 5000,
        "en\0",
        "de;q=0." + "1" * 400,
    ],
    "HTTP_ACCEPT_ENCODING": ["gzip", "br;q=x", "\xff", "identity;q=0"],
    "HTTP_HOST": ["localhost", "[", "[::1]:x", "a b", "\xff", "a..b", "evil.example:99999999", "", "@", "a" * 300],
    "HTTP_REFERER": _ADDRESSES,
    "HTTP_ORIGIN": _ADDRESSES,
    "HTTP_SEC_FETCH_SITE": ["same-origin", "cross-site", "\xff"],
    "HTTP_X_FORWARDED_FOR": ["1.2.3.4", "x", "\0", ",", "::1", "\xff", "1.2.3.4, " * 90, "[::1]:80", "9" * 5000],
    "HTTP_X_FORWARDED_HOST": ["evil.example", "[", "\xff", "", ",", "a:b"],
    "HTTP_X_FORWARDED_PROTO": ["https", "\xff", "http,https", ""],
    "HTTP_X_REQUESTED_WITH": ["XMLHttpRequest", "\xff"],
    "HTTP_X_CSRFTOKEN": ["", "\0", "x" * 64, "\xff" * 32],
    "HTTP_HX_REQUEST": ["true", "\xff"],
    "HTTP_HX_BOOSTED": ["true"],
    "HTTP_HX_CURRENT_URL": [*_ADDRESSES, "%ff"],
    "HTTP_HX_CURRENT_URL_URI_AUTOENCODED": ["true"],
    "HTTP_HX_TRIGGER": ["\xff", "%00"],
    "HTTP_HX_TRIGGER_URI_AUTOENCODED": ["true"],
    "HTTP_TRIGGERING_EVENT": ["{", "null", "\xff", "[" * 5000, "9" * 5000],
    "HTTP_TRIGGERING_EVENT_URI_AUTOENCODED": ["true"],
    "HTTP_EXPECT": ["100-continue", "\xff"],
    "HTTP_AUTHORIZATION": ["Bearer token", "Bearer x", "Bearer tok\xebn", "Basic \xff", "Bearer", "\xff", "bearer \0"],
    "HTTP_USER_AGENT": ["", "\xff" * 300, "\0"],
    "CONTENT_LENGTH": ["", "0", "-1", "x", "1", "9" * 30, "9" * 5000, "\xb2", "1e3", "+5"],
    "REMOTE_ADDR": ["", "::1", "unix:"],
}

# ---- cookies and files ----

COOKIES = [
    *(
        '"\\000"',
        '"a\\000b"',
        f'"{"a" * 31}\\000"',
        "a" * 40,
        "a" * 5000,
        "\xff",
        '"\\355\\240\\200"',
        "x" * 32,
        "x" * 64,
    ),
    *("", '"', "\x01", "s" * 32, "eyJhIjoxfQ:1:x", '"\\"', "W10:1vPFwk:x"),
]
BROKEN_COOKIES = ["=", ";;", "a", "$Version=1", '"\\000"=1', "\xff=\xff", "; " * 300]
BROKEN_QUERIES = [
    "&&==&",
    "a=%",
    "%ff=%fe",
    "q=%00",
    "%00",
    "q=%ED%A0%80",
    ";",
    "\xff",
    "a&" * 300,
    "q=%C0%80",
    "+" * 90,
]
FILENAMES = [
    *('="a.wav"', '=""', '="\0"', '="a\0.wav"', '="../../x"', '="é"', f'="{"é" * 300}"', '="', '="a.wav'),
    *("*=unknown'en'x", "*=utf-8''%00%ff", "*=hex''a", "*=utf-8''", "*=''", '="\ud800.wav"', '="C:\\\\a.mp4"', '="."'),
]
