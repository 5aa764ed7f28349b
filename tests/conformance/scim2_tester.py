#!/usr/bin/env python3
"""Run the scim2-tester compliance suite against a running SCIM server.

    .venv/bin/python tests/conformance/scim2_tester.py BASE_URL TOKEN

BASE_URL is a connection's SCIM base URL, TOKEN one of its bearer tokens. Users and groups
are created there and deleted again. Prints one line for each check. Exits with 0 when every
check passed, 1 when one did not, 2 when the arguments are wrong.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

# This file bears the package's name. Python puts its folder first on the import path, where
# it would hide the package.
_HERE = Path(__file__).resolve().parent
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != _HERE]

from httpx2 import Client  # noqa: E402
from scim2_client.engines.httpx2 import SyncSCIMClient  # noqa: E402
from scim2_tester import CheckResult, Status, check_server  # noqa: E402

# Checks that are not held against the server: name, as printed, to the reason. A reason says
# why the check is wrong or does not apply, never that it is not built yet.
SKIPPED_CHECKS: dict[str, str] = {}

# What the suite must have looked at. It stops early when discovery fails, or walks nothing
# when discovery lists nothing; neither may pass for a clean result.
RESOURCE_TYPES = ("User", "Group")
RESOURCE_CHECKS = (
    "object_creation",
    "object_query",
    "object_query_without_id",
    "object_query_with_attributes",
    "object_list_with_attributes",
    "search_with_attributes",
    "object_replacement",
    "object_deletion",
    "check_add_attribute",
    "check_remove_attribute",
    "check_replace_attribute",
)

# SKIPPED counts as a failure too: the suite could not do it, so the table above must say why.
FAILING = (Status.ERROR, Status.CRITICAL, Status.SKIPPED)
REQUEST_TIMEOUT_SECONDS = 30.0
LONGEST_DATA = 2000


def check_name(result: CheckResult) -> str:
    """Return the name that the skip table uses: `Group.object_creation`, `random_url`."""
    title = result.title or "untitled"
    return f"{result.resource_type}.{title}" if result.resource_type else title


def expected_names() -> list[str]:
    """Return the resource checks that a whole run holds, in the suite's order."""
    return [f"{resource}.{check}" for resource in RESOURCE_TYPES for check in RESOURCE_CHECKS]


def line(word: str, name: str, reason: str) -> str:
    """Return a check's line; a reason of several lines is folded into one."""
    return f"{word:<10} {name:<42} {' '.join(reason.split())}".rstrip()


def described(data: object) -> str:
    """Return what the suite attached to a failed check, cut to a length that a log bears."""
    try:
        text = json.dumps(data, default=str)
    except (TypeError, ValueError):
        text = repr(data)
    return text if len(text) <= LONGEST_DATA else text[:LONGEST_DATA] + " …"


def judge(results: list[CheckResult]) -> list[str]:
    """Print each result and return the complaints: what makes this run a failure."""
    complaints = []
    excused = set()
    for result in results:
        name = check_name(result)
        if result.status not in FAILING:
            print(line(result.status.name, name, result.reason or ""))
        elif name in SKIPPED_CHECKS:
            excused.add(name)
            print(line("EXCUSED", name, SKIPPED_CHECKS[name]))
        else:
            print(line(result.status.name, name, result.reason or ""))
            if result.data is not None:
                print(f"{'':<10} {described(result.data)}")
            complaints.append(f"{name}: {result.status.name}")

    seen = {check_name(result) for result in results}
    complaints += [f"{name}: never ran" for name in expected_names() if name not in seen]
    complaints += [
        f"{name}: listed to be skipped, but did not fail" for name in SKIPPED_CHECKS if name not in excused
    ]
    return complaints


def run_checks(base_url: str, token: str) -> list[CheckResult]:
    """Run the whole suite over HTTP and return its results."""
    with Client(
        base_url=base_url,
        headers={"Authorization": f"Bearer {token}"},
        timeout=REQUEST_TIMEOUT_SECONDS,
        # No proxy from the environment: the server is the one that was named.
        trust_env=False,
    ) as http:
        return check_server(SyncSCIMClient(http))


def main() -> int:
    """Run from the command line and return the exit code."""
    parser = argparse.ArgumentParser(description="Run the scim2-tester compliance suite against a SCIM server.")
    parser.add_argument("base_url", help="SCIM base URL, such as http://127.0.0.1:8080/scim/…/v2")
    parser.add_argument("token", help="bearer token of that connection")
    arguments = parser.parse_args()

    results = run_checks(arguments.base_url, arguments.token)
    complaints = judge(results)
    counts = Counter(result.status.name.lower() for result in results)
    print(f"\n{len(results)} results: " + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    for complaint in dict.fromkeys(complaints):
        print(f"FAILED     {complaint}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
