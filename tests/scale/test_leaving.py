"""A hundred thousand who leave a run, on threads and in finalizers."""

from __future__ import annotations

import pytest

from tests.leaving import Work, leave_often

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


async def test_a_hundred_thousand_disposes_leave_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    work = Work()
    wrong = await leave_often(
        100_000, lambda n, observer: work.workflow.create_run().stream_vnext(n).cancel_on_dispose().subscribe(observer)
    )

    assert wrong == []
    assert work.started == work.ended > 0
    assert caplog.records == []
