"""Chapter 0: two exercises to meet the checks with."""

from statistics import mean, median

from ..thermometer import t_c
from .exercise import Exercise, Wrong
from .record import calls
from .symptoms import TOUCHED, factor, when

READINGS = [round(v, 1) for v in t_c.tolist()]


def mean_reading(readings):
    return sum(readings) / len(readings)


def _lists(draw):
    lengths = (1, 3, 11, draw.whole(2, 10), draw.whole(12, 20))
    return [*(([round(draw.number(-9, 30), 1) for _ in range(n)],) for n in lengths), ([4.0, 7.5, 4.0, -2.5],)]


def _sorts(readings):
    readings.sort()
    return mean(readings)


EXERCISES = [
    Exercise(
        id="0.1",
        title="The coldest reading",
        reference=lambda: min(READINGS),
        hints=("It is a built-in function of one short word.", "`min(t_c)`"),
        wrong=(
            Wrong("That is the warmest.", None, lambda: max(READINGS)),
            Wrong("That is a reading of the unknown thermometer, not °C.", None, 21.8),
            Wrong("The sign is lost.", None, lambda: -min(READINGS)),
            Wrong("That is the first reading, not the smallest.", None, lambda: READINGS[0]),
            Wrong("That is where it stands, not what it is.", None, lambda: READINGS.index(min(READINGS))),
            Wrong("That is the mean.", None, lambda: mean(READINGS)),
            Wrong("That is the last reading, not the smallest.", None, lambda: READINGS[-1]),
            Wrong("That is the sum.", None, lambda: sum(READINGS)),
            Wrong("That is how many there are.", None, lambda: len(READINGS)),
            Wrong("All of them: one is asked for.", None, lambda: READINGS),
        ),
    ),
    Exercise(
        id="0.2",
        title="The mean of the readings",
        reference=mean_reading,
        hints=("Two numbers: the sum of the readings, and how many there are.", "The count is `len(readings)`."),
        probe=calls(_lists, "readings"),
        rtol=1e-6,
        wrong=(
            Wrong("Twice the list, twice your answer: a mean does not grow with the list.", None, sum),
            Wrong("Right for eleven readings, wrong for three.", None, lambda r: sum(r) / 11),
            Wrong("Your divisor is one less than the number of readings.", None, lambda r: sum(r) / (len(r) - 1)),
            Wrong("Your answer ignores how far the extremes are.", None, median),
            Wrong("Only two readings matter to your answer.", None, lambda r: (min(r) + max(r)) / 2),
            Wrong("The fraction is gone.", None, lambda r: sum(r) // len(r)),
            Wrong("The fraction is gone.", None, lambda r: int(sum(r) / len(r))),
            Wrong("The fraction is gone.", None, lambda r: round(sum(r) / len(r))),
            Wrong(TOUCHED.replace("tensor", "list"), None, _sorts),
            Wrong("Negative readings count as positive.", None, lambda r: sum(abs(v) for v in r) / len(r)),
            Wrong("You return after the first reading: is `return` inside the loop?", None, lambda r: r[0] / len(r)),
            Wrong("The square of the count: divide once.", None, lambda r: sum(r) / len(r) ** 2),
            Wrong("Your divisor is one more than the number of readings.", None, lambda r: sum(r) / (len(r) + 1)),
            Wrong("The first reading is left out: indices start at 0.", None, lambda r: sum(r[1:]) / len(r)),
            Wrong("The last reading is left out: `range(n)` ends at n - 1.", None, lambda r: sum(r[:-1]) / len(r)),
            Wrong(
                "Only the last reading is in your sum: does it begin anew in the loop?", None, lambda r: r[-1] / len(r)
            ),
            Wrong("Your sum begins at 1.", None, lambda r: (1 + sum(r)) / len(r)),
            Wrong("A reading that occurs twice counts twice.", None, lambda r: sum(set(r)) / len(set(r))),
        ),
        symptoms=(
            when(lambda f: any(s["changed"] for s in f.seen), TOUCHED.replace("tensor", "list")),
            factor(-1.0, "The sign is lost."),
            when(
                lambda f: f.kind == "value" and len({str(s["value"]) for s in f.seen}) == 1,
                "The same answer for every list: use the argument `readings`.",
            ),
        ),
    ),
]
