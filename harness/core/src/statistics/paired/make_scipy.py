"""Makes scipy.json, what SciPy says of the same pairs: `python3 make_scipy.py > scipy.json` (SciPy 1.17.1)."""

import json

import numpy
from scipy import stats

random = numpy.random.default_rng(7)
cases = []
for count, shift, deviation in [(8, 0.0, 0.03), (8, 0.1, 0.03), (5, -0.07, 0.05), (2, 0.02, 0.01), (16, 0.004, 0.002)]:
    old = numpy.round(random.uniform(1, 9, count), 4)
    new = numpy.round(old * numpy.exp(random.normal(shift, deviation, count)), 4)
    ratios = numpy.log(new / old)
    error = ratios.std(ddof=1) / numpy.sqrt(count)
    reach = stats.t.ppf(0.975, count - 1) * error
    cases.append({
        "old": old.tolist(),
        "new": new.tolist(),
        "mean": ratios.mean(),
        "deviation": ratios.std(ddof=1),
        "p_above": stats.ttest_rel(numpy.log(new), numpy.log(old), alternative="greater").pvalue,
        "low": ratios.mean() - reach,
        "high": ratios.mean() + reach,
        "smallest_detectable": reach + stats.t.ppf(0.9, count - 1) * error,
    })
print(json.dumps(cases, indent=1))
