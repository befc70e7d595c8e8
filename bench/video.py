"""A film of ten minutes, 1080p at 5 Mbit/s, MP4: uploaded, its sound converted, back as a film.

The endpoint is a stub of the contract that gives the samples back. Counted is everything but its call, from where the
film is taken until it can be watched: by the moments that the product keeps. Beside it the ffmpeg command does what
nothing can leave out, on the same files: the sound taken out as FLAC, as it is sent, and the pictures copied
(`-c:v copy`) beside the new sound as AAC, the index in front; then the file is put on the disk (fsync), as ours is.
Both go twice, the better one counts.
Bars: <= 1.5 of the commands; memory of the workers <= 150 MB above what they have when they do nothing.

    bench/video --minutes 60    another length
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.engine import minute_of_speech, recording
from bench.inside import Inside
from bench.measure import PeakRss, bar, tree_pss_bytes
from bench.site import Site, site
from tests.support.endpoint import Behaviour
from tests.support.product import wait_for

MINUTES, TIMES = 10, 2
_PICTURES = "testsrc2=s=1920x1080:r=30:d=10,noise=alls=20:allf=t"
_WORKERS = ("calls", "cpu", "decoders")
_PATIENCE_S = 1800.0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="video", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=int, default=MINUTES)
    minutes = parser.parse_args().minutes
    behaviour = Behaviour(speaks=True, framing="length")
    with (
        tempfile.TemporaryDirectory(prefix="timbre-bench-") as name,
        site(behaviour) as where,
        Inside(where.product.environment_inside()) as inside,
    ):
        film = _film(Path(name), minutes)
        workers = [where.product.pid(worker) for worker in _WORKERS]
        idle = sum(map(tree_pss_bytes, workers))
        peaks = [PeakRss(worker, tree_pss_bytes, every_s=0.5) for worker in workers]
        for peak in peaks:
            peak.__enter__()
        own = [_ours(where, inside, film) for _ in range(TIMES)]
        for peak in peaks:
            peak.__exit__(None, None, None)
        theirs = [_by_ffmpeg(film, Path(name), own[0][1]) for _ in range(TIMES)]
        growth_mb = (sum(peak.peak_bytes for peak in peaks) - idle) / 1e6
    ours_s, theirs_s = min(seconds for seconds, _key in own), min(theirs)
    print(f"{minutes} min: {ours_s:.2f} s but for the call; the commands {theirs_s:.2f} s")
    met = bar(f"a film of {minutes} min, over ffmpeg -c:v copy", ours_s / theirs_s, 1.5, "x")
    met &= bar("memory of the workers above idle", growth_mb, 150, "MB")
    return 0 if met else 1


def _film(folder: Path, minutes: int) -> Path:
    """Ten seconds of moving pictures again and again, and speech."""
    sound, ten, film = recording(minute_of_speech(), minutes, folder), folder / "ten.mp4", folder / "film.mp4"
    pictures = "-c:v libx264 -preset ultrafast -b:v 5M -maxrate 5M -bufsize 10M -g 60 -pix_fmt yuv420p"
    _ffmpeg(f"-f lavfi -i {_PICTURES} {pictures} {ten}")
    _ffmpeg(f"-stream_loop {6 * minutes - 1} -i {ten} -i {sound} -c:v copy -c:a aac -b:a 128k -ar 48000 {film}")
    print(f"the film has {film.stat().st_size / 1e6:.0f} MB")
    return film


def _ours(where: Site, inside: Inside, film: Path) -> tuple[float, str]:
    """The seconds but for the call, and where the result lies."""
    with film.open("rb") as file:
        address = where.person.send(where.person.form(), file, film.name, "mp3_44100_128")
    assert where.person.wait(address, timeout_s=_PATIENCE_S) == "ready", where.person.http.get(address).text
    wait_for(lambda: "<video" in where.person.http.get(address).text, "the film is made", _PATIENCE_S)
    seconds, path = inside(spent, address.rstrip("/").rsplit("/", 1)[1])
    return seconds, path


def spent(conversion_id: str) -> tuple[float, str]:
    """In the product: from where the recording is taken until its film is known, without its call; and its result."""
    from conversions.files import durable
    from conversions.models import Call, Conversion, Event

    conversion = Conversion.objects.get(pk=conversion_id)
    call = Call.objects.get(conversion=conversion)
    made = conversion.events.get(kind=Event.Kind.EXPORTED)
    assert call.answered_at is not None
    seconds = (made.at - conversion.created_at - (call.answered_at - call.sent_at)).total_seconds()
    with durable.open_file(conversion.output) as output:
        return seconds, output.name


def _by_ffmpeg(film: Path, folder: Path, result: str) -> float:
    began = time.monotonic()
    _ffmpeg(f"-i {film} -vn -ac 1 -c:a flac {folder / 'sent.flac'}")
    made = folder / "made.mp4"
    new = "-map 0:v -map 1:a -c:v copy -c:a aac -b:a 160k -ac 1 -movflags +faststart"
    _ffmpeg(f"-i {film} -i {result} {new} {made}")
    subprocess.run(["sync", made], check=True)
    return time.monotonic() - began


def _ffmpeg(arguments: str) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *arguments.split()], check=True)


if __name__ == "__main__":
    sys.exit(main())
