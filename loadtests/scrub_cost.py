"""What scrubbing costs: time per 1,000 characters and text held back, by kind of text.

``python -m loadtests.scrub_cost`` measures the detectors that ship, ``--mock`` those of a full set
(``mock_detectors``). Texts are made from a seed, so two runs see the same. CPU time of a busy
machine is too high: the best of several runs is shown, and beside it what the first one took, when
the machine still had to learn.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time

from gateway.core.pii import StreamScrubber
from gateway.core.pii.detector import words_of
from gateway.core.pii.detectors import DETECTORS
from gateway.core.pii.machine import Machine
from loadtests.mock_detectors import FULL_SET

_PIECE = 5
_RUNS = 5
_LENGTH = 20_000
_ENGLISH = words_of(
    "the of and to in is that it was for on are as with his they at be this from have or by one "
    "had not but what all were when we there can an your which their said if do will each about "
    "how up out them then she many some so these would other into has more her two like him see "
    "time could no make than first been its who now people my made over did down only way find "
    "use may water long little very after words called just where most know get through back "
    "much before go good new write our used me man too any day same right look think also "
    "around another came come work three word must because does part even place well such here "
    "take why things help put years different away again off went old number great tell men say "
    "small every found still between name should Mr home big give air line set own under read "
    "last never us left end along while might next sound below saw something thought both few "
    "those always looked show large often together asked house don't world going want school "
    "important until form food keep children feet land side without boy once animals life "
    "enough took sometimes four head above kind began almost live page got earth need far hand "
    "high year mother light parts country father let night following picture being study second "
    "eyes soon times story boys since white days ever paper hard near sentence better best "
    "across during today others however sure means knew it's try told young miles sun ways "
    "thing whole hear example heard several change answer room sea against top "
)
_CHINESE = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家"
    "种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十"
    "民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯"
    "月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds per 1,000 characters, and characters held back."""

    pieces_us: float
    first_us: float
    whole_us: float
    held_mean: float
    held_p99: int


def english(rng: random.Random) -> str:
    """Return sentences of ordinary words."""
    sentences: list[str] = []
    for _ in range(_LENGTH // 60):
        words = rng.choices(_ENGLISH, k=rng.randint(6, 16))
        sentences.append(" ".join(words).capitalize())
    return ". ".join(sentences)


def chinese(rng: random.Random) -> str:
    """Return clauses of ordinary characters."""
    clauses = ["".join(rng.choices(_CHINESE, k=rng.randint(5, 14))) for _ in range(_LENGTH // 10)]
    return "，".join(clauses)


def code(_: random.Random) -> str:
    """Return source code: this file's own."""
    return Path(__file__).read_text("utf-8") * 3


def dense(rng: random.Random) -> str:
    """Return text in which every other word is a value or looks like one."""
    parts: list[str] = []
    for _ in range(_LENGTH // 40):
        digits = "".join(rng.choices("0123456789", k=18))
        parts += [
            rng.choice([
                f"phone 1{rng.randint(3, 9)}{digits[:9]}",
                f"身份证号：{digits}",
                f"card {digits[:4]} {digits[4:8]} {digits[8:12]} {digits[12:16]}",
                f"{rng.choice(_ENGLISH)}.{digits[:3]}@example.com",
                f"姓名：{''.join(rng.choices(_CHINESE, k=3))}",
                f"+44 20 {digits[:4]} {digits[4:8]}",
                f"password: {digits[:6]}abC!",
                f"order no {digits[:10]}",
            ]),
            rng.choice(_ENGLISH),
            "，".join(rng.choices(_CHINESE, k=4)),
        ]  # fmt: skip
    return " ".join(parts)


def worst(rng: random.Random) -> str:
    """Return announced rows of single digits, each of which might begin a value."""
    return "phone kind7 " + " ".join(rng.choices("0123456789", k=_LENGTH // 4))


TEXTS = {
    "English prose": english,
    "Chinese prose": chinese,
    "code": code,
    "dense": dense,
    "worst": worst,
}


def measure(machine: Machine, text: str) -> Cost:
    """Return what *text* costs on *machine*, which may have learnt from other texts."""
    scale = 1e9 / len(text)
    runs = [_run(machine, text, _PIECE) for _ in range(_RUNS)]
    whole = [_run(machine, text, len(text)) for _ in range(_RUNS)]
    held = sorted(_held(machine, text))
    return Cost(
        pieces_us=min(runs) * scale,
        first_us=runs[0] * scale,
        whole_us=min(whole) * scale,
        held_mean=sum(held) / len(held),
        held_p99=held[len(held) * 99 // 100],
    )


def _pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def _run(machine: Machine, text: str, size: int) -> float:
    scrubber = StreamScrubber(machine=machine)
    pieces = _pieces(text, size)
    start = process_time()
    for piece in pieces:
        scrubber.feed(piece)
    scrubber.finish()
    return process_time() - start


def _held(machine: Machine, text: str) -> list[int]:
    scrubber = StreamScrubber(machine=machine)
    held: list[int] = []
    for piece in _pieces(text, _PIECE):
        scrubber.feed(piece)
        held.append(scrubber.held())
    return held


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mock", action="store_true", help="measure the mock of a full set")
    chosen = FULL_SET if parser.parse_args(arguments).mock else DETECTORS
    start = process_time()
    machine = Machine(chosen)
    built_ms = (process_time() - start) * 1e3
    sys.stdout.write(f"{len(chosen)} detectors, built in {built_ms:.0f} ms\n")
    sys.stdout.write("| text | µs, 5-character pieces | first run | whole | held, mean | p99 |\n")
    sys.stdout.write("|---|---|---|---|---|---|\n")
    for name, make in TEXTS.items():
        cost = measure(machine, make(random.Random(7)))
        sys.stdout.write(
            f"| {name} | {cost.pieces_us:.0f} | {cost.first_us:.0f} | {cost.whole_us:.0f} "
            f"| {cost.held_mean:.1f} | {cost.held_p99} |\n"
        )


if __name__ == "__main__":
    main()
