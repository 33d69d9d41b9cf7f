from __future__ import annotations

from tests.ml.conftest import write_tiny

from rune.bench import base


def test_each_way_is_weighed_in_a_process_of_its_own(home):
    write_tiny(home.models / "tiny", hidden=256)
    home.config.write_text('[model]\nbase = "tiny"\ndevice = "cpu"\n')
    found = base.run()
    rows = {row["way"]: row for row in found["rows"]}
    assert set(rows) == set(base.WAYS)
    weighed = {way for way, row in rows.items() if "weights_mb" in row}
    assert {"fp32", "bf16"} <= weighed
    assert "cannot" in rows["nf4"] or rows["nf4"]["weights_mb"] <= rows["bf16"]["weights_mb"]
    assert rows["fp32"]["weights_mb"] >= 1.5 * rows["bf16"]["weights_mb"]
    assert set(found["summary"]) == {f"{key}_{way}" for way in weighed for key in ("base_mb", "base_rss_mb")}


def test_a_way_that_cannot_be_is_a_row_that_says_why(home, tmp_path, monkeypatch):
    write_tiny(home.models / "tiny")
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['bitsandbytes'] = None\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    row = base._asked(home.models / "tiny", "nf4", "cpu")
    assert row["way"] == "nf4"
    assert "not installed" in row["cannot"]
