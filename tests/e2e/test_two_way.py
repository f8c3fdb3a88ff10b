"""Two folders that follow each other through a server: two jobs in both directions."""

import os

from tests.e2e.processes import Place, tree


def test_two_folders_follow_each_other_also_after_a_kill(place: Place) -> None:
    one, two = (place.job(name, "bidirectional") for name in ("one", "two"))
    for folder in (one, two):
        (folder / "d").mkdir(parents=True)
    for number in range(20):
        (one / "d" / f"a{number}").write_bytes(os.urandom(1000))
        (two / f"b{number}").write_bytes(os.urandom(1000))

    def equal() -> bool:
        return tree(one) == tree(two) == tree(place.files)

    place.start("server")
    place.start("daemon")
    place.until(lambda: equal() and len(tree(one)) == 40, "both have all files")
    # What is there but not recorded yet would be a conflict after the kill.
    kinds = ("uploaded", "downloaded")
    place.until(lambda: all(len(place.events(kind)) == 40 for kind in kinds), "all is recorded")

    for number in range(5):
        (one / "d" / f"a{number}").unlink()
        (two / f"b{number}").write_bytes(b"changed")
    (two / "d" / "a19").write_bytes(b"of two")
    place.kill("daemon")
    (one / "both").write_bytes(b"one")  # only now: else it may have arrived at the other folder
    (two / "both").write_bytes(b"the other")
    (two / "b19").unlink()
    place.start("daemon")
    place.until(lambda: equal() and len(tree(one)) == 36, "both have all changes")
    assert (one / "b0").read_bytes() == b"changed"
    assert (one / "d" / "a19").read_bytes() == b"of two"
    both = [name for name in tree(one) if name.startswith("both")]
    assert {(one / name).read_bytes() for name in both} == {b"one", b"the other"}
    for job in ("one", "two"):
        place.until_state(job, "synced")
