"""What nbval does here beyond nbval: how it starts its kernels. (That it compares pictures, `test_pictures` shows.)"""

import pytest

from tests import nbval_plugin


class Client:
    def execute(self, code, silent):
        self.ran = code


@pytest.mark.parametrize("failures", range(4))
def test_a_kernel_that_dies_at_its_start_is_started_again_twice(failures, monkeypatch):
    starts = []

    def start():
        starts.append("one more")
        if len(starts) <= failures:
            raise RuntimeError("Kernel died before replying to kernel_info")
        return "manager", Client()

    monkeypatch.setattr(nbval_plugin, "_start_new_kernel", start)
    if failures < 3:
        manager, client = nbval_plugin.start_new_kernel()
        assert (manager, len(starts)) == ("manager", failures + 1) and "Minimal" in client.ran
    else:
        with pytest.raises(RuntimeError, match="died"):
            nbval_plugin.start_new_kernel()
        assert len(starts) == 3


def test_another_failure_of_a_kernel_is_not_tried_again(monkeypatch):
    starts = []

    def start():
        starts.append("one more")
        raise RuntimeError("Kernel didn't respond in 60 seconds")

    monkeypatch.setattr(nbval_plugin, "_start_new_kernel", start)
    with pytest.raises(RuntimeError, match="respond"):
        nbval_plugin.start_new_kernel()
    assert len(starts) == 1
