"""The shipped data sets are the ones that the chapters speak of."""

import numpy as np

from helpers.data import digits, elnino


def test_the_sea_temperatures():
    year, month, t = elnino()
    assert year.shape == month.shape == t.shape == (732,)
    assert t[:3].tolist() == [23.11, 24.20, 25.37] and (year[0], month[0], year[-1], month[-1]) == (1950, 0, 2010, 11)
    assert (t.min(), t.max()) == (18.95, 29.24)
    assert round(t.mean(), 2) == 23.09 and round(t.var(), 2) == 5.04
    about_months = t - np.array([t[month == m].mean() for m in range(12)])[month]
    assert round(about_months.var(), 2) == 1.17


def test_the_digits():
    images, labels = digits()
    assert images.shape == (1797, 8, 8) and images.dtype == np.uint8 and (images.min(), images.max()) == (0, 16)
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
