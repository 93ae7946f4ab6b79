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


sections = {
    "paired": [paired(*case) for case in [(8, 0.0, 0.03), (8, 0.1, 0.03), (5, -0.07, 0.05), (2, 0.02, 0.01), (16, 0.004, 0.002)]],
    "stored": [stored(*case) for case in [(8, 0.0, 0.07), (8, 0.2, 0.07), (20, -0.1, 0.1), (2, 0.05, 0.02)]],
}
print("{")
print(",\n".join(
    json.dumps(name) + ": [\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]" for name, cases in sections.items()
))
print("}")
