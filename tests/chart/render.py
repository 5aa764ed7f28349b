#!/usr/bin/env python3
"""Renders the chart with Helm 4, and says everything about it as JSON.

    render.py CHART < [{"file": "ci/….yaml", "values": {...}, "release": "r", "namespace": "n"}, ...]

`file` is within the chart, and linted; `values` are laid over it; either may be absent. For each case: {"lint": [...], "objects": [{"template", "object"}], "invalid": [...], "notes": "..."} or
{"error": "..."}. Objects that Kubernetes itself knows are held against its schemas; kinds of operators are not.
"""

import functools
import json
import pathlib
import sys

import kubernetes_validate
import yaml
from helm_python.chart import Chart, lint
from helm_python.errors import HelmError

KUBERNETES = "1.33"
OF_OPERATORS = {"ExternalSecret", "HTTPRoute", "PrometheusRule", "ServiceMonitor"}


def lay_over(below, above):
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return below | {name: lay_over(below.get(name), value) for name, value in above.items()}


@functools.cache
def why_invalid(text):
    try:
        kubernetes_validate.validate(json.loads(text), KUBERNETES, strict=True)
    except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
        return str(error)
    return None


def render(chart, path, case):
    values = {}
    if "file" in case:
        values = yaml.safe_load((pathlib.Path(path) / case["file"]).read_text())
    values = lay_over(values, case.get("values", {}))
    findings = []
    if "file" in case:
        report = lint(path, values, strict=True)
        findings = report["errors"] + [m["error"] for m in report["messages"] if m["severity"] > 1]
    answer = {
        "lint": findings,
        "objects": [],
        "invalid": [],
        "notes": "",
    }
    try:
        chart.validate_schema(values)
        rendered = chart.render(values, name=case["release"], namespace=case["namespace"])
    except HelmError as error:
        return {"error": str(error)}
    for template, text in sorted(rendered.items()):
        if template.endswith("NOTES.txt"):
            answer["notes"] = text
            continue
        for thing in yaml.safe_load_all(text):
            if thing is None:
                continue
            answer["objects"].append({"template": template, "object": thing})
            if thing["kind"] in OF_OPERATORS:
                continue
            # Most objects of one case are those of another.
            why = why_invalid(json.dumps(thing))
            if why is not None:
                answer["invalid"].append(f"{template}: {thing['kind']}: {why}")
    return answer


def main():
    path = sys.argv[1]
    with Chart.load(path) as chart:
        answers = [render(chart, path, case) for case in json.load(sys.stdin)]
        templates = [template["name"] for template in chart.templates]
        defaults = chart.values
    json.dump({"answers": answers, "templates": templates, "defaults": defaults}, sys.stdout)


if __name__ == "__main__":
    main()
