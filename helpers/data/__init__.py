"""The two data sets that the course ships: sea temperatures for chapter 8, handwritten digits for chapter 10.

Read from the files beside this module; nothing is loaded from anywhere else. SOURCES.md names authors and licences.
"""

import csv
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def elnino():
    """Monthly mean temperature of the sea surface off Peru (Niño 1+2), 1950 to 2010, in °C.

    Returns (year, month, temperature): three arrays of shape (732,), int64, int64 (0 for January to 11) and float64, in
    order of time.
    """
    with open(HERE / "elnino.csv", newline="") as file:
        rows = list(csv.reader(file))[1:]
    year = np.repeat([int(row[0]) for row in rows], 12)
    temperature = np.array([[float(value) for value in row[1:]] for row in rows]).ravel()
    return year, np.tile(np.arange(12), len(rows)), temperature


def digits():
    """Handwritten digits: (images, labels), uint8 arrays of shape (1797, 8, 8) with values 0 to 16, and (1797,), 0 to 9."""
    with np.load(HERE / "digits.npz") as file:
        return file["images"], file["labels"]
