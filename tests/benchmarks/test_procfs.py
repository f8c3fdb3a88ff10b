import os
import subprocess

from benchmarks.transfers import procfs

STAT = "4711 (a (strange) name) S 1 4711 4711 0 -1 4194304 9 8 0 0 120 30 7 3 20 0 2 0 88 9 9 9"


def test_cpu_time_is_that_of_the_process_and_of_its_ended_children() -> None:
    assert procfs.cpu_ticks(STAT) == 120 + 30 + 7 + 3


def test_peak_memory_is_in_bytes() -> None:
    assert procfs.peak_bytes("Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t   2048 kB\n") == 2 << 20


def test_a_zombie_has_no_memory() -> None:
    assert procfs.peak_bytes("Name:\tx\nState:\tZ (zombie)\n") == 0


def test_a_process_that_has_ended_counts_as_nothing() -> None:
    gone = 1 << 30
    assert procfs.cpu_seconds([gone]) == 0
    assert procfs.peaks([gone]) == {gone: 0}


def test_this_process_has_used_both() -> None:
    assert procfs.cpu_seconds([os.getpid()]) > 0
    assert procfs.peaks([os.getpid()])[os.getpid()] > 1_000_000


def test_a_port_listens_in_the_kernels_table() -> None:
    table = (
        "  sl  local_address rem_address   st tx_queue\n"
        "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000\n"
        "   1: 0100007F:0050 0100007F:9C40 01 00000000:00000000\n"
    )
    assert procfs.listening(table) == {8080}


def test_a_family_has_children_but_not_those_apart() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        try:
            assert child.pid in procfs.family([os.getpid()])
            assert child.pid not in procfs.family([os.getpid()], {child.pid})
        finally:
            child.kill()
