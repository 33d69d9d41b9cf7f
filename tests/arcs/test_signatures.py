"""Signatures: which line of an output names its error, and which of them name the same one."""

from __future__ import annotations

import pytest

from rune.arcs import signatures
from rune.records.trajectory import Execution

FRAMED = "╷\n│ Error: {0}\n│ \n│   on main.tf line 3, in resource:\n│    3:   acl2 = 1\n│ \n│ {1}\n╵"


def named(text: str, command: str = "make test") -> str:
    return signatures.signature(Execution("e", 0.0, "Bash", command, text, False))


@pytest.mark.parametrize(
    ("text", "line"),
    [(FRAMED.format("Unsupported argument", 'No argument "acl2".'),
      'Unsupported argument: No argument "acl2"'),
     ("\x1b[31m│\x1b[0m \x1b[1mError: \x1b[0mNo such module\n\x1b[31m╵\x1b[0m", "No such module"),
     (" at src/git.ts:143:64 lint/suspicious/noEmptyBlockStatements ━━━━━━\n\n  × Unexpected empty block.\n"
      "  \n    141 │ a()", "noEmptyBlockStatements: Unexpected empty block"),
     ("src/a.ts:5:1 assist/source/organizeImports  FIXABLE  ━━━━\n\n  × The imports are not sorted.\n",
      "organizeImports: The imports are not sorted"),
     ("src/a.ts format ━━━━━━\n\n  × Formatter would have printed the following content:\n",
      "Formatter would have printed the following content"),
     ("╭─ Error ─────────╮\n│ No such option x │\n╰──────────────────╯", "No such option x"),
     ("  × No solution found when resolving:\n  ╰─▶ Because tax was not found",
      "No solution found when resolving: Because tax was not found"),
     ("a.cpp:12: Failure\nExpected equality of these values:\n  total\n    Which is: 100\n  119\n[ RUN ]",
      "Expected equality of these values: total Which is: 100 119"),
     ("a.cpp:12: FAILED:\n  REQUIRE( total == 119 )\n", "REQUIRE( total == 119 )"),
     ("67% tests passed, 1 tests failed out of 3\nThe following tests FAILED:\n\t2 - tax (Failed)\n"
      "Errors while running CTest", "2 - tax (Failed)"),
     ("CMake Error at CMakeLists.txt:12 (find_package):\n  By not providing FindX\n\n"
      "-- Configuring incomplete, errors occurred!",
      "CMake Error at CMakeLists.txt:12 (find_package): By not providing FindX"),
     ("main.c:(.text+0x1e): undefined reference to `tax'\ncollect2: error: ld returned 1 exit status",
      "undefined reference to `tax'"),
     ("Undefined symbols for architecture arm64:\n  \"_tax\"\n"
      "clang: error: linker command failed with exit code 1",
      'Undefined symbols for architecture arm64: "_tax"'),
     ("a.py:5: AssertionError\n=== short test summary info ===\nFAILED a.py::test_b - assert 1 == 2",
      "a.py::test_b - assert 1 == 2"),
     ('  File "a.py", line 3\n    assert total == 119\nAssertionError', "assert total == 119"),
     ("E   AssertionError: expected call not found.\nE   Expected: mock(1)\nE     Actual: mock(2)",
      "AssertionError: expected call not found. Expected: mock(1) Actual: mock(2)"),
     ("  1) test adds tax (Shop.CartTest)\n     test/a.exs:5\n     Assertion with == failed\n"
      "     left:  100\n     right: 119\n     stacktrace:\n       test/a.exs:7: (test)\n3 tests, 1 failure",
      "test adds tax: Assertion with == failed left: 100 right: 119"),
     ("** (CompileError) lib/a.ex:3: undefined function tax/1\n    (stdlib) erl_eval.erl",
      "** (CompileError) lib/a.ex:3: undefined function tax/1"),
     ("  1) Cart adds\n     Failure/Error: expect(total).to eq(119)\n\n"
      "       expected: 119\n            got: 100\n\n3 examples, 1 failure",
      "Cart adds: expect(total).to eq(119) expected: 119 got: 100"),
     ("  1) Cart adds\n     Failure/Error: cart.total\n\n"
      "     NoMethodError:\n       undefined method `x' for nil\n",
      "Cart adds: NoMethodError: undefined method `x' for nil"),
     ("Failure:\nCartTest#test_total [a.rb:12]:\nExpected: 119\n  Actual: 100\n\n"
      "8 runs, 9 assertions, 1 failures",
      "CartTest#test_total: Expected: 119 Actual: 100"),
     ("StandardError: An error has occurred, this and all later migrations canceled:\n\n"
      'PG::UndefinedTable: ERROR:  relation "users" does not exist',
      'PG::UndefinedTable: ERROR: relation "users" does not exist'),
     ("FAILURE: Build failed with an exception.\n\n* What went wrong:\nCould not resolve all files.\n"
      "> Could not find com.acme:tax:1.2.\n\n* Try:\n> Run with --stacktrace.\nBUILD FAILED in 3s",
      "Could not find com.acme:tax:1.2"),
     ("[ERROR] Failed to execute goal on project shop: no tax\n[ERROR] -> [Help 1]\n[ERROR] [Help 1] http://x.y",
      "Failed to execute goal on project shop: no tax"),
     ('x Build failed in 123ms\nerror during build:\n[vite]: Rollup failed to resolve "lodash"',
      '[vite]: Rollup failed to resolve "lodash"'),
     ("ERROR in ./src/a.js 3:0-20\nModule not found: can't resolve 'x'",
      "./src/a.js: Module not found: can't resolve 'x'"),
     ("      AssertionError: Expected values to be equal:\n\n100 !== 119\n",
      "AssertionError: Expected values to be equal: 100 !== 119"),
     ("[warn] src/a.ts\n[warn] Code style issues found in the above file.",
      "src/a.ts: Code style issues found in the above file"),
     ("would reformat a.py\n\n1 file would be reformatted.", "would reformat a.py"),
     ("A.hs:3:5: error: [GHC-88464]\n    Variable not in scope: tax\n", "Variable not in scope: tax"),
     ("A.java:3: error: cannot find symbol\n    tax(1);\n    ^\n  symbol:   method tax(int)\n1 error",
      "error: cannot find symbol symbol: method tax(int)"),
     ("Starting\nERROR\nNo answer from localhost:5432\nhint: is it running?",
      "No answer from localhost:5432"),
     ("The schema is out of date\nBuild failed\n3 s", "The schema is out of date"),
     ("╷\n╵\n────", "make test failed")],
)  # fmt: skip
def test_an_error_is_named_by_a_line_that_says_more_than_that_it_failed(text: str, line: str) -> None:
    assert named(text) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [("NotImplementedError", "NotImplementedError"),
     ("java.lang.NullPointerException\n\tat a.B.c(B.java:3)", "java.lang.NullPointerException"),
     ("error: linking failed: exit status: 1", "error: linking failed: exit status: 1"),
     ("all is lost:\nExit code 3", "all is lost"),
     ("Build failed", "Build failed"),
     ("jq: error: " + "syntax " * 20 + ":\n  .a", "jq: error:" + " syntax" * 14),
     ("  40 │ raise error\n  41 41 │ raise error\n  × It is unused.", "It is unused")],
)  # fmt: skip
def test_what_says_enough_by_itself_stays_the_name_of_an_error(text: str, line: str) -> None:
    assert named(text) == line


@pytest.mark.parametrize(
    ("one", "other"),
    [("Timeout 30012ms exceeded", "Timeout 60007ms exceeded"),
     ("took 1.5 seconds", "took 12 seconds"),
     ("allocation of 1,024 bytes failed", "allocation of 99 bytes failed"),
     ("<Foo at 0x7f1a2b> leaked", "<Foo at 0x7f99c0> leaked"),
     ("no job 550e8400-e29b-41d4-a716-446655440000", "no job 123e4567-e89b-12d3-a456-426614174000"),
     ("image 3f2a9c1b7d0e gone", "image ffe9912ab310 gone"),
     ("no '/tmp/pytest-of-me/pytest-3/a0/x.json'", "no '/tmp/pytest-of-me/pytest-14/a0/x.json'"),
     ("no /tmp/tmpab12cd34/x.json", "no /tmp/tmpzz99ee11/x.json"),
     ("2026-01-02T10:00:01.123Z lost", "2026-01-03 11:22:33 lost"),
     ("cart.ex:3: undefined tax", "cart.ex:14: undefined tax"),
     ("bad at line 3, column 5", "bad at line 9, column 1"),
     ("refused 127.0.0.1:38471", "refused 127.0.0.1:52001")],
)  # fmt: skip
def test_what_differs_from_run_to_run_makes_no_other_error(one: str, other: str) -> None:
    assert signatures.same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("KeyError: 'port'", "KeyError: 'host'"),
     ("assert 100 == 119", "assert 104 == 119"),
     ("error TS2304: Cannot find it", "error TS2305: Cannot find it"),
     ("HTTP 500", "HTTP 404"),
     ("no /tmp/tmpab12cd34/x.json", "no /tmp/tmpab12cd34/y.json"),
     ("refused 127.0.0.1:5432", "refused 127.0.0.1:6379"),
     ("refused db.example.com:5432", "refused db.example.com:6379"),
     ("<Foo at 0x7f1a2b> leaked", "<Bar at 0x7f1a2b> leaked"),
     ("expected 3 items", "expected 4 items")],
)  # fmt: skip
def test_two_errors_stay_two(one: str, other: str) -> None:
    assert not signatures.same(one, other)


@pytest.mark.parametrize(
    "text", ["a.b\n", "error: failed\n", "1) a\nFailure/Error:\n", "│ ", "Error: a\n on b\n"]
)
def test_no_output_takes_forever(text: str) -> None:
    assert named(text * (40_000 // len(text)))
