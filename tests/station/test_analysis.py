import math
import os
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

import pytest

from station.analysis import Analyst, Pending


@pytest.fixture(scope="module")
def analyst():
    analyst = Analyst(1)
    yield analyst
    analyst.stop()


def test_a_worker_of_another_process_computes_while_we_go_on(analyst):
    pending = analyst.analyse(os.getpid)
    assert pending.result() != os.getpid()
    assert analyst.analyse(divmod, 17, 5).result() == (3, 2)
    assert pending.done(within_s=0.0)


def test_an_error_of_the_analysis_is_raised_where_its_result_is_asked_for(analyst):
    pending = analyst.analyse(math.sqrt, -1.0)
    with pytest.raises(ValueError, match="math domain error"):
        pending.result()


def test_one_of_several_results_is_picked_by_its_name():
    future = Future()
    future.set_result({"tdecq": 1.5, "rlm": 0.97})
    pending = Pending(future)
    assert (pending["rlm"].result(), pending["tdecq"].result()) == (0.97, 1.5)
    with pytest.raises(KeyError):
        pending["smsr"].result()


def test_a_worker_that_dies_is_an_error_and_not_a_wait_for_ever():
    analyst = Analyst(1)
    try:
        with pytest.raises(BrokenProcessPool):
            analyst.analyse(os._exit, 3).result()
    finally:
        analyst.stop()


def test_nothing_is_started_before_it_is_needed_and_stopping_twice_is_allowed():
    analyst = Analyst()
    analyst.stop()
    analyst.stop(drop=True)
