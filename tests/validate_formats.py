"""Reads results with the parsers of those who will read them, not with ours.

    validate_formats.py JUNIT_SCHEMA FOLDER...

Each folder, and what is in it, is searched for `*junit.xml`, which must keep the schema by which Jenkins's xUnit plugin
refuses files, and for `metrics.prom`, which must be OpenMetrics and Prometheus's older text format at once, with the figures
of the `report.json` beside it. `.ci/formats` installs what this takes.
"""

import json
import sys
from pathlib import Path

import xmlschema
from prometheus_client.openmetrics import parser as open_metrics
from prometheus_client import parser as older_text

# What the figures of report.json are divided by.
BASE_UNITS = {"nanoseconds": 1e9, "cpu_nanoseconds_per_request": 1e9, "fraction": 1, "bytes": 1}
POOLED = {"0": "min", "50": "p50", "75": "p75", "90": "p90", "99": "p99", "99.9": "p99_9", "99.99": "p99_99", "100": "max"}
PERCENTILES = {name: percentile for percentile, name in POOLED.items()}


class Wrong(Exception):
    """What is wrong with a file."""


def text_of(path):
    return path.read_bytes().decode("utf-8")


def validate_junit(text, schema):
    try:
        schema.validate(text)
    except Exception as error:
        raise Wrong(f"is no JUnit that CI servers take: {error}") from error


def samples_of(parser, text):
    """Every sample, by its name and labels."""
    samples = {}
    for family in parser.text_string_to_metric_families(text):
        if family.type != "gauge":
            raise Wrong(f"{family.name} is a {family.type} and no gauge")
        for sample in family.samples:
            if sample.timestamp is not None or sample.exemplar is not None:
                raise Wrong(f"{sample.name} has a time or an exemplar, which the textfile collector refuses")
            identity = (sample.name, frozenset(sample.labels.items()))
            if identity in samples:
                raise Wrong(f"{sample.name} {sample.labels} is there twice")
            samples[identity] = sample.value
    return samples


def validate_metrics(text, report):
    try:
        samples = samples_of(open_metrics, text)
        older = samples_of(older_text, text)
    except Wrong:
        raise
    except Exception as error:
        raise Wrong(f"is no text of metrics: {error!r}") from error
    if not samples:
        raise Wrong("has no sample")
    if samples != older:
        raise Wrong(f"the parsers differ over {set(samples.items()) ^ set(older.items())}")
    seen = set()
    for case in report["cases"]:
        scenario, rate, duration = (case["group"].split("::", 2) + ["", ""])[:3]
        labels = {"scenario": scenario, "mesh": case["mesh"], "rate": rate, "duration": duration}
        # Of two cases with the same labels the first is exported.
        if tuple(labels.values()) not in seen:
            seen.add(tuple(labels.values()))
            compare(samples, labels, case)


def compare(samples, labels, case):
    def must_be(family, more, expected):
        identity = (f"meshbench_{family}", frozenset((labels | more).items()))
        if samples.get(identity) != expected:
            raise Wrong(f"{identity} is {samples.get(identity)} and {expected} in report.json")

    pooled = case["pooled_latency_ns"]
    for percentile, field in POOLED.items():
        expected = pooled[field] / 1e9 if pooled["count"] else None
        must_be("latency_seconds", {"percentile": percentile}, expected)
    for metric in case["metrics"]:
        name, divisor = metric["metric"], BASE_UNITS[metric["unit"]]
        if name in PERCENTILES:
            family, more = "latency_over_runs_seconds", {"percentile": PERCENTILES[name]}
        elif name.endswith("cpu_per_request"):
            component = name.removesuffix("cpu_per_request").removesuffix("_") or "total"
            family, more = "cpu_per_request_seconds", {"component": component}
        elif name.endswith("_memory"):
            family, more = "memory_bytes", {"component": name.removesuffix("_memory")}
        else:
            family, more = {"error_share": "failed_requests_ratio", "achieved_share": "achieved_rate_ratio"}[name], {}
        for statistic in ("median", "min", "max"):
            must_be(family, more | {"statistic": statistic}, metric[statistic] / divisor)


def refuses(what, validate, *arguments):
    """A validator that takes everything shows nothing."""
    try:
        validate(*arguments)
    except Wrong:
        return
    raise SystemExit(f"the validator takes {what}")


def refuses_what_is_wrong(schema):
    refuses("JUnit with an attribute of nobody", validate_junit, '<testsuites skipped="1"/>', schema)
    nothing = {"cases": []}
    gauge = "# TYPE a gauge\na 1.0\n"
    validate_metrics(gauge + "# EOF\n", nothing)
    refuses("metrics without an end", validate_metrics, gauge, nothing)
    refuses("a sample that is there twice", validate_metrics, gauge + "a 1.0\n# EOF\n", nothing)
    refuses("a counter", validate_metrics, "# TYPE a counter\na_total 1.0\n# EOF\n", nothing)
    refuses("a time", validate_metrics, "# TYPE a gauge\na 1.0 1.0\n# EOF\n", nothing)
    refuses("a quote in a label", validate_metrics, '# TYPE a gauge\na{b="""} 1.0\n# EOF\n', nothing)


def validate_folder(folder, schema):
    """What is wrong in it, and how many files of each format it has."""
    wrong, counts = [], {"junit.xml": 0, "metrics.prom": 0}
    for path in sorted(Path(folder).rglob("*")):
        try:
            if path.name.endswith("junit.xml"):
                counts["junit.xml"] += 1
                validate_junit(text_of(path), schema)
            elif path.name == "metrics.prom":
                counts["metrics.prom"] += 1
                validate_metrics(text_of(path), json.loads(text_of(path.with_name("report.json"))))
        except Wrong as error:
            wrong.append(f"{path} {error}")
    return wrong, counts


def main(schema_path, *folders):
    schema = xmlschema.XMLSchema10(schema_path)
    refuses_what_is_wrong(schema)
    for folder in folders:
        wrong, counts = validate_folder(folder, schema)
        if wrong:
            raise SystemExit("\n".join(wrong))
        if not all(counts.values()):
            raise SystemExit(f"{folder} lacks a format: {counts}")
        print(f"{folder} is valid: {counts}")


if __name__ == "__main__":
    main(*sys.argv[1:])
