"""Findings of review and audit reports in the forms that they are written in."""

from __future__ import annotations

from rune.records import tome
from rune.records.tome import Finding

REPORT = """\
# TOME — Review Summary

**Branch:** feat/users
**Ash:** 5/5 completed

## P1 (Critical) — 1

<!-- RUNE:FINDING nonce="n1" id="SEC-001" file="api/users.py" line="42" severity="P1" confidence="HIGH" -->
- [ ] **[SEC-001] SQL injection in user query** in `api/users.py:42`
  - **Ash:** Ward Sentinel (also flagged by: Forge Warden)
  - **Rune Trace:**
    ```python
    # Lines 40-45 of api/users.py
    query = f"SELECT * FROM users WHERE id = {user_id}"
    ```
  - **Issue:** user input reaches the query
  - **Fix:** Bind parameters.
<!-- /RUNE:FINDING id="SEC-001" -->

## P2 (High) — 3 findings

<!-- RUNE:FINDING nonce="n1" id="SEC-002" file="a/b.ts" line="4-9" severity="P2" -->
### SEC-002: Token in log
**Evidence:** `log(token)`
**Fix guidance:** drop it
<!-- /RUNE:FINDING -->

- [ ] **[BACK-003] N+1 query** in `db/q.py:12-15`
  One query for each user.
- **BACK-004** Missing index — `db/schema.sql:3`

### [P3] Names of things
**File:** `src/x.py:L7-L9`
They are odd.

## Statistics
- **Total findings:** 5
"""


def test_every_form_of_a_finding_is_read() -> None:
    assert tome.findings(REPORT, "TOME.md") == (
        Finding(
            "P1",
            "SQL injection in user query",
            "api/users.py",
            "42",
            "user input reaches the query. Bind parameters.",
            "SEC-001",
        ),
        Finding("P2", "Token in log", "a/b.ts", "4-9", "drop it.", "SEC-002"),
        Finding("P2", "N+1 query", "db/q.py", "12-15", "One query for each user.", "BACK-003"),
        Finding("P2", "Missing index", "db/schema.sql", "3", "", "BACK-004"),
        Finding("P3", "Names of things", "src/x.py", "7-9", "**File:** `src/x.py:L7-L9` They are odd.", ""),
    )


def test_a_finding_is_cited_as_an_echo_cites_evidence() -> None:
    assert Finding("P1", "a", "b.py", "3").evidence == "`b.py:3` — a"
    assert Finding("P1", "a", "b.py").evidence == "`b.py` — a"
    assert Finding("P1", "a").evidence == ""


def test_severity_may_be_a_word_or_a_line_of_its_own() -> None:
    text = (
        "## Critical issues\n\n### 1. Broken login\n\n"
        "## Details\n\n### Slow list\n**Severity:** P2\n\n### A remark\n"
    )
    assert [(found.severity, found.title) for found in tome.findings(text, "x")] == [
        ("P1", "Broken login"),
        ("P2", "Slow list"),
    ]


def test_headings_in_code_and_reports_without_findings_yield_nothing() -> None:
    assert tome.findings("## P1 (Critical) — 1\n\n```md\n### SEC-001: x\n```\n\nNone.\n", "x") == ()
    assert tome.findings("", "x") == ()
