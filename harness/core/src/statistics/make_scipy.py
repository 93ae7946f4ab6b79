"""Makes scipy.json, what SciPy says of the same numbers: `python3 make_scipy.py > scipy.json` (SciPy 1.17.1).

Where SciPy has the test itself, it is asked for it, rather than for the distribution behind it.
"""

import json

import numpy
from scipy import stats

ALPHA = 0.025
random = numpy.random.default_rng(7)


def paired(count, shift, deviation):
    old = numpy.round(random.uniform(1, 9, count), 4)
    new = numpy.round(old * numpy.exp(random.normal(shift, deviation, count)), 4)
    ratios = numpy.log(new / old)
    test = stats.ttest_rel(numpy.log(new), numpy.log(old), alternative="greater")
    low, high = stats.ttest_1samp(ratios, 0).confidence_interval(1 - 2 * ALPHA)
    error = ratios.std(ddof=1) / numpy.sqrt(count)
    degrees = count - 1
    smallest = (stats.t.ppf(1 - ALPHA, degrees) + stats.t.ppf(0.9, degrees)) * error
    return {
        "old": old.tolist(),
        "new": new.tolist(),
        "mean": ratios.mean(),
        "p_above": test.pvalue,
        "low": low,
        "high": high,
        "smallest_detectable": smallest,
        # What the approximation is worth: the power by the noncentral t distribution.
        "power_at_smallest": stats.nct.sf(stats.t.ppf(1 - ALPHA, degrees), degrees, smallest / error),
    }


def stored(count, shift, deviation):
    stored = numpy.round(random.normal(1.2, deviation, count), 5)
    new = round(1.2 + shift, 5)
    # With a single value on one side, the t test of two samples is the one of a prediction.
    test = stats.ttest_ind([new], stored, alternative="greater")
    low, high = stats.ttest_ind([new], stored).confidence_interval(1 - 2 * ALPHA)
    return {
        "stored": stored.tolist(),
        "new": new,
        "mean": new - stored.mean(),
        "p_above": test.pvalue,
        "low": low,
        "high": high,
    }


def median(count):
    values = numpy.round(random.lognormal(1, 0.5, count), 4)
    interval = stats.quantile_test(values, q=0, p=0.5).confidence_interval(1 - 2 * ALPHA)
    low, high = (None, None) if numpy.isnan(interval.low) else interval
    return {"values": values.tolist(), "median": numpy.median(values), "low": low, "high": high}


def share(count, trials):
    low, high = stats.binomtest(count, trials).proportion_ci(1 - 2 * ALPHA, method="exact")
    return {"count": count, "trials": trials, "low": low, "high": high}


def mser5(count, settling):
    """SciPy has none: this is the formula, word for word, by NumPy."""
    series = numpy.round(2 + 3 * numpy.exp(-numpy.arange(count) / settling) + random.normal(0, 0.3, count), 3)
    batches = series[: count // 5 * 5].reshape(-1, 5).mean(axis=1)
    most = min(len(batches) // 2, len(batches) - 5)
    errors = [batches[left_out:].var() / (len(batches) - left_out) for left_out in range(most + 1)]
    return {"series": series.tolist(), "left_out": int(numpy.argmin(errors)) * 5}


def samples(old_count, new_count, shift, decimals):
    old, new = random.lognormal(0, 0.3, old_count), random.lognormal(shift, 0.3, new_count)
    return numpy.round(old, decimals), numpy.round(new, decimals)


def kolmogorov_smirnov(*case):
    old, new = samples(*case)
    statistic = stats.ks_2samp(old, new).statistic
    # The asymptotic distribution itself: `method="asymp"` is a better approximation for small samples.
    p = stats.kstwobign.sf(statistic * numpy.sqrt(len(old) * len(new) / (len(old) + len(new))))
    return {"old": old.tolist(), "new": new.tolist(), "p": p}


def mann_whitney(*case):
    old, new = samples(*case)
    p = stats.mannwhitneyu(new, old, alternative="greater", method="asymptotic").pvalue
    return {"old": old.tolist(), "new": new.tolist(), "p": p}


sections = {
    "paired": [paired(*case) for case in [(8, 0.0, 0.03), (8, 0.1, 0.03), (5, -0.07, 0.05), (2, 0.02, 0.01), (16, 0.004, 0.002)]],
    "stored": [stored(*case) for case in [(8, 0.0, 0.07), (8, 0.2, 0.07), (20, -0.1, 0.1), (2, 0.05, 0.02)]],
    "median": [median(count) for count in [5, 6, 8, 9, 17, 24]],
    "share": [share(*case) for case in [(0, 40), (40, 40), (1, 40), (9, 10), (27, 900), (1, 2000)]],
    "mser5": [mser5(*case) for case in [(60, 0.001), (60, 8), (63, 3), (120, 30), (25, 5), (300, 40)]],
    "kolmogorov_smirnov": [kolmogorov_smirnov(*case) for case in [(80, 60, 0.1, 3), (50, 50, 0.0, 2), (40, 90, 0.4, 3)]],
    "mann_whitney": [mann_whitney(*case) for case in [(8, 8, 0.2, 6), (8, 5, 0.5, 6), (24, 8, 0.0, 6), (12, 12, 0.2, 1)]],
}
print("{")
print(",\n".join(
    json.dumps(name) + ": [\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]" for name, cases in sections.items()
))
print("}")
