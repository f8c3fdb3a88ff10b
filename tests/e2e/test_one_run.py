"""`cargo_sync run`: one run, then an exit code."""

import os

from tests.e2e.processes import Place, tree


def test_runs_one_after_the_other(place: Place) -> None:
    local = place.job("docs", delete="propagate", guard={"at_least": 3, "share": 0.1})
    job = str(place.jobs / "docs.json")
    run = ("run", "--job", job, "--state", str(place.folder / "state"))
    for number in range(10):
        (local / f"{number}.txt").write_text(str(number))

    nobody = place.run("cargo_sync", *run)
    assert nobody.returncode == 4 and nobody.stderr.startswith("docs: not reached: "), nobody
    place.start("server")
    done = place.run("cargo_sync", *run)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert tree(place.files) == tree(local)
    assert os.listdir(place.runtime) == ["server"], "nothing of it stays"

    for number in range(5):
        (local / f"{number}.txt").unlink()
    held = place.run("cargo_sync", *run)
    assert held.returncode == 3 and held.stderr.startswith("docs: held: "), held
    approve = held.stderr.splitlines()[-1].split()[-2:]
    assert approve[0] == "--approve" and len(tree(place.files)) == 10
    done = place.run("cargo_sync", *run, *approve)
    assert (done.returncode, done.stderr) == (0, "")
    assert tree(place.files) == tree(local)
    again = place.run("cargo_sync", *run, *approve)
    assert again.returncode == 1 and "nothing with the id" in again.stderr

    place.start("daemon")
    place.until_state("docs", "synced")
    taken = place.run("cargo_sync", *run)
    assert taken.returncode == 2 and "a daemon runs the job 'docs'" in taken.stderr, taken
