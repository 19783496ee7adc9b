"""Ids of runs."""

from __future__ import annotations

import os
from uuid import UUID

import pytest

from rxloom.run_ids import BATCH, new_run_id


def test_ids_are_random_uuids_all_different() -> None:
    ids = [new_run_id() for _ in range(5 * BATCH)]

    assert len(set(ids)) == len(ids)
    assert {(UUID(one).version, str(UUID(one)) == one) for one in ids} == {(4, True)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_child_of_a_fork_makes_other_ids_than_its_parent() -> None:
    new_run_id()
    here, there = os.pipe()
    if os.fork() == 0:
        os.write(there, "".join(new_run_id() for _ in range(BATCH)).encode())
        os._exit(0)
    os.wait()
    told = os.read(here, 36 * BATCH).decode()
    os.close(here)
    os.close(there)
    child = {told[at : at + 36] for at in range(0, len(told), 36)}

    assert len(child) == BATCH
    assert not child & {new_run_id() for _ in range(BATCH)}
