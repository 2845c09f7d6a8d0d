"""What the tests need to know of PromQL, without a parser: which metrics a query names, and the query in a form that
has a value whenever its parts have."""

import re

_QUOTED_OR_MATCHERS = re.compile(r'"(?:[^"\\]|\\.)*"|\{[^}]*\}')
_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_COMPARISON = re.compile(r"(==|!=|<=|>=|<|>)(?!\s*bool\b)")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_DURATION = re.compile(r"\[[^]]*\]")
_WORDS_OF_THE_LANGUAGE = {
    "and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right",
    "sum", "min", "max", "avg", "count", "topk", "bottomk", "rate", "increase", "irate", "histogram_quantile", "scalar",
    "floor", "ceil", "predict_linear", "absent", "last_over_time", "max_over_time", "sort",
}


def always_valued(query):
    """`a > 5` answers nothing when a is 3; `a > bool 5` answers 0, so that nothing means: there is no a."""
    masked = _QUOTED_OR_MATCHERS.sub(lambda found: "\0" * len(found[0]), query)
    out, at = [], 0
    for found in _COMPARISON.finditer(masked):
        out += [query[at:found.end()], " bool"]
        at = found.end()
    return "".join(out) + query[at:]


def metrics_of(query):
    """The names of all series that the query selects."""
    bare = _QUOTED_OR_MATCHERS.sub(" ", query)
    bare = _DURATION.sub(" ", _GROUPING.sub(" ", bare))
    return {word for word in _WORD.findall(bare) if word not in _WORDS_OF_THE_LANGUAGE}


def family_of(metric, families):
    """The family on a /metrics page that has the series `metric`, None when there is none."""
    if metric in families:
        return metric
    for suffix in ("_bucket", "_count", "_sum"):
        base = metric.removesuffix(suffix)
        if base != metric and families.get(base) == "histogram":
            return base
    return None
