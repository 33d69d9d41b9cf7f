import io

from rich.console import Console

from rune.setup.progress import bars


def test_a_log_gets_one_line_per_stage():
    out = io.StringIO()
    with bars(Console(file=out)) as report:
        for done in (0, 1 << 20, 2 << 20):
            report("downloading [x]", done, 2 << 20)
        report("converting", 0, None)
    assert out.getvalue() == "downloading [x]\nconverting\n"


def test_a_terminal_gets_a_bar_with_megabytes():
    out = io.StringIO()
    with bars(Console(file=out, force_terminal=True, width=100)) as report:
        report("downloading", 3 << 20, 7 << 20)
        report("converting", 0, None)
        report("converting", 1, 1)
    assert "3 of 7 MB" in out.getvalue()
    assert "converting" in out.getvalue()
